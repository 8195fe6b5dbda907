// Package targets holds the servers that `weir-bench compare` measures, one small YAML file each, with what they need: a schema, and for servers of the npm
// registry a package file with its lock.
//
// It is data; package bench/internal/peer says what a file may hold, reads it, and starts the server.
package targets

import "embed"

// Files are the YAML files and what they refer to.
//
//go:embed *.yaml city.graphql npm/package.json npm/package-lock.json npm/apollo.mjs npm/hive.mjs
var Files embed.FS

// Package config reads the sidecar's configuration: one strict YAML document in two parts. The static part (addresses, identity, secrets)
// holds for the life of the process; the policy part is swapped while it runs, and is what the control plane pushes. Errors name file,
// line, column and cure, all of them at once. Nothing here opens a connection or a file other than the one to be read.
package config

// Package controlplane is the server that sidecars follow: it stores configuration documents and commands, pushes them over one stream per sidecar, and shows
// people what the fleet holds.
//
// The path of a change: rest (authorised, checked) → store (one etcd transaction with its audit entry) → store's watch → stream (a new view, every stream
// woken) → sidecar → ACK or NACK → rest (get sidecars). Nothing travels around the store, so what a person sees is what survives a restart.
//
// Versions only go forward, over all scopes together; going back is a new version with the old content. A service's own document hides the one for all
// services. Commands are leases: their end travels with them as a distance in time, so sidecars obey and drop them by their own clocks.
//
// It never interprets a configuration beyond its being YAML of bounded size, never sees traffic, and no sidecar needs it to relay.
package controlplane

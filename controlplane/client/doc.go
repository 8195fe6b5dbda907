// Package client is the HTTP API of weir-control for Go programs; the command line is written with it. It holds no state beside its HTTP client, retries
// nothing, and returns the server's refusals as *api.Error.
package client

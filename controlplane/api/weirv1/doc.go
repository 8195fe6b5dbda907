// Package weirv1 holds the messages between sidecar and control plane and the connect client and handler for them, generated from control.proto. It is
// written by `go generate ./controlplane/api`, never by hand, and does nothing by itself.
package weirv1

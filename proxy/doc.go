// Package proxy is the sidecar's data plane: it puts listeners, the connection loop, the line of a request, plans, cache, telemetry and
// the control plane's agent together, and keeps the one policy that requests obey. New checks everything that can be wrong before
// anything listens; Run serves until its context ends; what else fails later costs insight, never traffic.
package proxy

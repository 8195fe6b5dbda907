// Package fleet runs the shipped binaries, and servers they need, as processes on free loopback ports: output captured to a file, readiness polled, ended by
// SIGTERM and, after a grace, SIGKILL. It signals only the process ids that it started and leaves no process behind when its owner calls Stop.
package fleet

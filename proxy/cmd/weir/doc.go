// Command weir is the sidecar. It reads flags, wires faces together and sets the exit code: 0 done, 1 refused or failed (a configuration
// that is not valid, an operation that would be refused, an address that is taken), 2 wrong use. It knows nothing of requests.
package main

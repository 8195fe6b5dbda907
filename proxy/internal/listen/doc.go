// Package listen accepts client connections. A connection comes with its original destination: for an explicit listener that is
// the configured upstream; a transparent listener would tell where the client wanted to go. It never reads from a connection.
package listen

// Package frames follows the messages of a WebSocket connection (RFC 6455, with permessage-deflate of RFC 7692) from the bytes that pass, one direction at a
// time. It reads and never writes: what it cannot follow it gives up on, with a reason, and the connection goes on as if nobody had looked.
//
// Bytes belong to the caller; a message is valid until the function it was handed to returns. A Reader belongs to one goroutine.
package frames

// Package wire understands HTTP/1 message heads and chunked framing (RFC 9112) without changing a byte. A head that follows the grammar
// to the letter is read in one pass over the received bytes; about anything else fasthttp's parser is asked: what it refuses is refused,
// what it accepts all the same is ambiguous, and its connection is not to be understood any further.
//
// Heads keep offsets into the caller's buffer, which must stay as it is until the next Parse. Nothing is allocated after warm-up for
// ordinary heads. The package does no I/O.
package wire

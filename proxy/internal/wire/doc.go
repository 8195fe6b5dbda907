// Package wire understands HTTP/1 message heads and chunked framing (RFC 9112) without changing a byte. A head that follows the grammar
// to the letter is read in one pass; about any other request fasthttp's parser is asked: what it refuses is refused, what it accepts all
// the same is ambiguous, and its connection is not to be understood any further. Answers are never refused.
//
// A head owns its bytes: Parse copies them, so that the caller may move or overwrite the buffer while the head is in use, and the next
// Parse compares with the copy first: the same head again costs one comparison. Slices that a head returns are valid until its next Parse.
// Nothing is allocated after warm-up for ordinary heads. The package does no I/O, keeps no clock and starts no goroutine.
//
// Verdicts do not depend on how the bytes were split: about each prefix of the received bytes Parse says Incomplete or what it says
// about all of them.
package wire

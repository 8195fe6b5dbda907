// Package oracle is a test kit that tells whether a sidecar is transparent. A scenario scripts a client and an origin as byte streams with
// splits, causal pauses, half-closes and resets. It is played twice, client straight to origin and through the sidecar: the bytes both
// sides receive and the way each side sees the other end must be equal. A scenario that a sidecar is to refuse says with which status and
// code; then the origin must see nothing.
//
// A sidecar's test is, for each of Scenarios (and of Strict(Scenarios()) with strict framing): Run, RunSplits, and once RunMany. Its Dialer
// should start a sidecar whose wait for the first bytes is short, for some scenarios begin with the origin.
//
// Pauses are causal: a script waits until bytes have arrived, never for a time. A play that gets stuck is cut off after Patience, and that
// is a difference. The kit knows nothing of the sidecar but its address; it never reads HTTP except in refusals.
//
// Memory: up to 256 KiB of each received stream are kept for messages; the rest is compared by length and SHA-256.
package oracle

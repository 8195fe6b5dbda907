// Package roster knows who is in the fleet and how far in the invalidation log each has come, and waits until all have come far enough.
//
// A member publishes its place whenever it reads the log, in the same call. A place is (generation of the log, last record applied), and
// is published only after what it names was applied. Times are those of the log's server, so no clock of a member matters.
//
// What Await promises when nobody is missing: everything that was in the log when Await began is obeyed by every member, in one of
// three ways. It has reached the place; or the log has become another one since (failover, loss of data) and it has entered that
// generation, which it does by giving up all it had; or it has been silent for so long that by its own rule it trusts nothing it had
// (its bound, counted from the later of its last word and the beginning of the wait). A member that is frozen or cut off is missing until
// that bound is over. One that ended in order has left; one that ended without a word is forgotten after Forget.
//
// A log that has lost its data has lost the list of members, too: those that Await had seen before are waited for until they are listed again.
//
// Await never says that a member has obeyed when that cannot be known: while the log cannot be asked, or its generation is not settled,
// nothing is known.
package roster

// Package tombstone is the clock of invalidations and the memory of what they named: a table name → last invalidation, a
// short list of prefixes, and a floor below which everything is invalid. It decides whether a slot is valid.
//
// It never talks to the log: the journal tells it what was read (Apply, Advance, Restart) and what was asked for here
// (Provisional, Resolve). Readers take no global lock: the state is one immutable value behind an atomic pointer, and a slot
// remembers the sequence up to which it was checked, so a hit without news is one compare. Writers are serialised.
//
// Two orders exist side by side. Positions order the log of the fleet. The local sequence orders what this process applied.
// A slot passes an invalidation when it was checked (or its fill began here) at or after the local sequence of that
// invalidation, or when its position is not older than the invalidation's. Until the position is known, only the first
// counts: to everybody else's entries the invalidation lies infinitely late.
package tombstone

// Package saved is the form of a tier that a process leaves on disk when it ends, for the one that starts in its place. It reads and writes
// whole files and decides nothing: whether an entry may still be served is for the invalidation log to say.
package saved

// Package agent is the sidecar's end of the control plane: it keeps one stream to weir-control, hands configuration snapshots and commands to the program it
// lives in, and remembers both on disk.
//
// The server is never needed. At start the last-known-good configuration and the unexpired commands come from Config.StateDir; the stream is tried for ever
// in the background, with jittered backoff. A snapshot that Config.Apply refuses is reported with its reason, is not asked for again, and the one before
// serves on. Versions only go forward. A command ends on this process's own clock, also when nobody can be reached; how long it lives is taken as a duration
// from the server, so clocks need not agree, and is never longer than MaxLifetime.
//
// The package never reads environment or flags, never touches a request, never blocks the data path, and writes only below StateDir (files of mode 0600,
// replaced atomically, each with a checksum, the configuration in two generations).
//
// Memory: slices and maps in Snapshot and Command belong to the callee; the agent does not use them again. Config must not be changed after New. Apply and
// Commands are each called by one goroutine at a time; Apply and Commands may run at the same time as each other.
package agent

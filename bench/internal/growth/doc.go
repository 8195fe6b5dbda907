// Package growth measures how Weir behaves as something grows: connections, cached bytes, distinct operations, tags of an entry, tombstones, the rate of
// events; and what it takes before anything grows: start, size of the binaries, idle time. Each part starts the shipped binary beside an upstream of its own,
// gives one table with a plot and names the bound of the structure. It ends every process that it started.
//
// Weir is pinned to the second processor, the load and the upstream to the first; processor time is that of Weir's process alone.
package growth

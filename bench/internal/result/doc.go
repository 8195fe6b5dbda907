// Package result is what a measurement leaves behind: one JSON file with counts, latency histograms, a row per second, ratios with their intervals, and what
// has to be known to trust it (machine, versions, command, warnings). Histograms are stored whole, so files of several machines merge exactly.
//
// It reads, writes, merges and compares files; it measures nothing and draws nothing.
package result

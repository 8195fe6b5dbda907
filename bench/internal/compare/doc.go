// Package compare measures servers beside each other: processor time per request of the whole process tree, latency of an open loop, memory, heap, and system
// calls. Every server is started anew for each instance and pinned to one processor; load, upstream, broker and Redis share the other. A reference and the
// servers that are divided by it follow each other in pieces of about a second, in an order that is shuffled each round, so that what disturbs the machine
// disturbs all of them. A ratio is taken inside one round; its value is the median over the instances of the median over their rounds, with a bootstrap
// interval. Absolute figures are shown, ratios count.
//
// Before a server is measured it is checked: a hit that reaches the upstream, a miss that does not, or a wrong body ends the comparison.
//
// It starts processes and measures; it changes no setting of the machine.
package compare

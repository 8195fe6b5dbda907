// Package compare measures the processor time per request of Weir beside reference servers, all in one run: every server is a process of its own, pinned to
// one processor; the load and the upstream share the other. Pieces of about a second go round the servers in turn, so that what disturbs the machine disturbs
// all of them; each ratio is taken inside one round and the median over all rounds is the result, with its spread. Absolute figures are shown, ratios count.
//
// It starts processes and measures; it changes no setting of the machine.
package compare

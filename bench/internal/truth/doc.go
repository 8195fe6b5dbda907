// Package truth checks the load generator against what must come out: latencies under a stalling server whose distribution is known in closed form, and the
// processor time and heap it takes for a request beside wrk in the same run.
//
// # The stalling server
//
// Time is cut into cycles of length T. A request that arrives within the stall, at phase p < S of its cycle, is answered when the stall ends; any other one at
// once. A client that sends at a constant rate, and counts from the moment each request was due, draws p evenly from [0, T), so its latency is
//
//	L(p) = S − p  for p < S,   0  else (beside the service time, which is far below S)
//	P(L > x) = (S − x) / T     for 0 ≤ x < S
//
// and the quantile q of the latency is
//
//	Q(q) = max(0, S − (1 − q)·T)
//
// With a stall of 1 s every 10 s the p99 is 1 s − 0.01 · 10 s = 0.9 s, the p95 0.5 s, the p90 0, the highest 1 s. Whole cycles must be measured.
//
// A closed loop of C connections sends C requests into a stall and then waits: of N answers in a cycle only C are late, so that the p99 of what it measured is
// late only when C/N is above one in a hundred. At thousands of requests a second it is not: the server was dead for a tenth of the time, and the tool has seen
// almost none of it.
//
// wrk knows that, and fills in: into its distribution it adds, for each late answer, the latencies that requests at the mean interval of a connection would
// have had. Under this server, whose stalls are all alike, that guess comes near the truth at the p99; but they are latencies of requests that were never sent,
// at a rate that nobody asked for. Both are shown: the closed loop as measured, by this generator, and wrk's report as it is.
package truth

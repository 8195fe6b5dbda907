// Package breaker tells whether an upstream is worth asking. A Breaker counts how the requests to one destination end, over a sliding
// window, and goes through three states:
//
//	closed     requests go; opens when the window holds enough requests and too many of them failed
//	open       requests hold off for a time, which is jittered so that a fleet does not come back at once
//	half open  one request, the probe, goes and decides: its success closes, its failure opens again
//
// The breaker refuses nothing by itself: what a closed door means is its caller's to say. A closed breaker costs a request one atomic load
// before the upstream and one compare-and-swap after it; nothing is allocated and no lock is taken.
package breaker

// Package redistest gives the cache's tests what they need of the outside: a redis-server of their own on a free port that can be killed,
// frozen and started again with or without its data, also with TLS or users of its own, a cluster of masters whose slots can be moved, a
// master and replica under a Sentinel, a TCP relay that delays or cuts, and waiting for a condition with a deadline.
// It is never imported by anything but tests. A missing redis-server fails the test and says how to cure it.
package redistest

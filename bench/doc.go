// Package bench holds what measures and exercises Weir from outside: the reference origin, the development broker, the load generator, the demo, the paired
// comparison, and the house rules as tests. Nothing imports it; it may use the public face of every room. Its parts are under internal/, its binary is
// cmd/weir-bench.
package bench

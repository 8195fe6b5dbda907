// Package policy holds the compiled configuration that a request obeys: one immutable Policy, loaded once per request. A new configuration
// or a change of leases makes a new Policy; nothing is ever changed in place but the counters of rate leases.
package policy

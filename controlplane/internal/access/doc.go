// Package access decides who calls: it knows the bearer tokens (RFC 6750) and the role of each. Tokens are compared in constant time, by their digests; it
// keeps no token in clear and logs none.
package access

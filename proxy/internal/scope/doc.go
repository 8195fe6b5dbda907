// Package scope tells whose answer a cached answer may be: everybody's, a tenant's, a set of roles' or one user's. A scope comes from a
// verified claim only; a request with credentials and no rule for them bypasses the cache. Identities leave the package as keyed hashes.
package scope

// Package admin is the sidecar's listener for people and machines that operate it: health, metrics, the configuration in force, plans,
// cache statistics and invalidation. It knows the rest of the sidecar only by the functions it is given. Keep it on loopback: it has no
// authentication, and refuses requests that a browser sends for another site.
package admin

// Package keytrace reads which keys of a cache were used when: from Weir's cost events, from traces of keys, and from descriptions of random
// ones. It plays nothing; package hitratio does.
package keytrace

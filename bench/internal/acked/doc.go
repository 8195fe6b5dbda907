// Package acked remembers which versions of which entities mutations were acknowledged with, for judges of staleness: what a read must show at least is a
// question of who promises what, and is theirs.
package acked

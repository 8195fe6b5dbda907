// Package usage counts which client uses which field. A request costs it one increment: it counts operations by client and plan, and what these
// are made of is looked up when the counts are taken.
//
// It never drops a count silently: what finds no room is counted as such. It owns its maps; names belong to whoever gave them, and plans are held
// on to until the next Take.
package usage

// Package burn uses processor time in a known amount. The amount is measured by the clock of the thread, so it is true also when the machine is busy and the
// wall clock says something else; whoever attributes cost to operations can be checked against it.
package burn

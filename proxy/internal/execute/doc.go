// Package execute carries out the plan of a federated operation: it asks the subgraphs, merges their answers into one tree and writes the
// client's answer. What a plan means is told by the documentation of planner.FetchPlan.
//
// A step starts as soon as all it waits for is finished. One goroutine prepares, sends and merges; others are there only to read answers
// while more than one is awaited.
//
// An event of a subscription is executed like a query whose first answer is there already (Request.Event). Who subscribes is not told here.
//
// Memory: a run (pooled) owns the tree, whose leaves are ranges of the received answers; these stay with the calls until the run is over.
// Objects that a lookup answers for many places are merged into the first and linked from the others. Nothing that Execute returns refers
// to a run.
package execute

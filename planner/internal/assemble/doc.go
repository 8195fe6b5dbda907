// Package assemble turns the groups of a route into the plan that is executed: it merges groups into requests, prints their documents,
// numbers the slots of layouts, and compiles outputs, representations and the client's answer.
package assemble

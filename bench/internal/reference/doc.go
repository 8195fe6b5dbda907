// Package reference holds the servers that Weir is measured against: a bare fasthttp server with a constant answer, the least proxy that fasthttp allows, and
// the upstream behind both that proxy and Weir. They do nothing that a measurement would have to excuse: no logs, no names, no optional header.
package reference

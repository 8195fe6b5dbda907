// Package reference holds the servers that others are measured against: a bare fasthttp server with a constant answer, the least proxy that fasthttp allows,
// a relay of TCP bytes, and the upstream behind all that is measured. They do nothing that a measurement would have to excuse: no logs, no names, no optional
// header.
package reference

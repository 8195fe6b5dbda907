// Package stream speaks with sidecars: one stream each, on which it offers the configuration and the commands that the present view has for them, and notes
// what they answer.
//
// At most one configuration and one set of commands are on their way to a sidecar at a time; what changes meanwhile is folded into the next. A refused version
// is not offered again; the next version is. Every stream is ended after a while so that sidecars spread anew over servers.
//
// It never writes to the store and never decides who may connect. What it knows of sidecars lives in memory and is told anew by them after a restart. Messages
// of a view are shared by all streams and not changed.
package stream

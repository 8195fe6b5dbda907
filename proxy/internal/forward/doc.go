// Package forward tells which header lines a request to a subgraph has, beside those that every such request has: what of the client's it
// passes on, and what is put in. Rules are compiled once for all subgraphs; those with the same rules are of one class, whose lines need to be
// written once for an operation. A line is written as it was received, never one that could end the head or change the framing.
package forward

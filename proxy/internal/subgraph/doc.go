// Package subgraph asks subgraphs over HTTP/1.1: a bounded pool of connections that stay open for each address, a request written whole with
// one write, an answer read with limits.
//
// A Call is sent and received in two steps, so that one goroutine can send what is ready and read the answers after. What came of a Call
// belongs to it until its next Send or Release. Calls that ask for the same at the same time can share one request and its answer, of which all
// have the same memory. A Client is safe for concurrent use, a Call belongs to one goroutine at a time. Nothing is allocated
// after warm-up for answers up to KeptAnswer bytes.
package subgraph

// Package line is the straight line one GraphQL request travels: classify, plan, gate, look up, then (around the relay, which is not
// here) watch the answer, offer it to the cache, emit the event. One Exchange record per request is handed from stage to stage; a stage
// reads what earlier ones wrote and writes its own part.
//
// It never touches a connection. An Exchange has one owner at a time. Slices of the request are read during Classify and Decide only,
// so the caller may reuse its buffers after; an Exchange owns everything else it keeps and is reused without allocation.
package line

package load

import "time"

// Kinds of operations.
const (
	KindQuery    = "query"
	KindMutation = "mutation"
	KindBatch    = "batch"
)

// Label is what results are told apart by.
type Label struct{ Name, Kind string }

// Source makes the requests of a run. It is immutable; each thread of the generator takes a stream of its own.
type Source interface {
	// Labels of all operations; a stream names them by index.
	Labels() []Label
	// Stream returns the n-th stream; the same seed and n make the same requests.
	Stream(seed uint64, n int) Stream
}

// Stream makes the requests of one thread, in the order they are due. One goroutine uses it. A slot is a connection of the thread, 0 and up; it has one
// request under way at most, so a stream may keep by slot what it needs to judge the answer. No method allocates after warm-up or waits.
type Stream interface {
	// Next appends one whole HTTP/1.1 request, head and body, to dst. operation is an index into Labels.
	Next(dst []byte, t *Target, slot int) (request []byte, operation int)
	// Judge says what the answer to the slot's request is worth: "" is a success, else the kind of failure. again: the flow needs one more request on this
	// connection before the operation has its answer (an unknown persisted query); Again then appends it.
	Judge(a *Reply, slot int) (failure string, again bool)
	Again(dst []byte, t *Target, slot int) []byte
}

// Reply is one response as the generator read it. Slices are valid until Judge returns.
type Reply struct {
	Target      int // index of the target
	Status      int
	CacheStatus []byte // value of the last Cache-Status field, nil when absent
	ContentType []byte
	Head        []byte // from the status line to the empty line
	Body        []byte // decoded when chunked
	Due         time.Time
	Sent        time.Time
	Done        time.Time
}

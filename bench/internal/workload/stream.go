package workload

import (
	"bytes"
	"math/rand/v2"

	"github.com/weirproxy/weir/bench/internal/load"
)

// Workload is a set of operations with their weights, values and checks. It is immutable and may be shared.
type Workload struct {
	name          string
	labels        []load.Label
	operations    []operation
	generators    []generator
	subscriptions []Subscription

	// reads and mutations choose among the operations; byShare says that a share decides between them, else reads chooses among all.
	reads, mutations     picker
	readOps, mutationOps []int
	share                float64
	byShare              bool
}

var _ load.Source = (*Workload)(nil)

// Name is the name the file gives, or that of a built-in workload.
func (w *Workload) Name() string { return w.name }

// Labels of all operations, batches included.
func (w *Workload) Labels() []load.Label { return w.labels }

// Subscriptions to keep open.
func (w *Workload) Subscriptions() []Subscription { return w.subscriptions }

// Stream returns the n-th stream.
func (w *Workload) Stream(seed uint64, n int) load.Stream { return w.stream(seed, n) }

func (w *Workload) stream(seed uint64, n int) *stream {
	s := &stream{w: w, random: random{*rand.NewPCG(seed, uint64(n))}, drawn: make([]drawn, len(w.generators))}
	for i := range s.drawn {
		s.drawn[i].turn = uint64(n) * turnsApart
	}
	return s
}

// Body is the JSON body of one drawn query, as a POST would send it with its document.
func (w *Workload) Body(seed uint64) []byte {
	s := w.stream(seed, 0)
	var st slot
	for range 1000 { // a workload of batches or mutations alone has no query
		if st.operation = s.choose(); w.labels[st.operation].Kind == load.KindQuery {
			break
		}
	}
	s.fill(&st)
	o := &w.operations[st.operation]
	size := len(s.body(nil, o, &st, bodyPosted, 0))
	return s.body(nil, o, &st, bodyPosted, max(0, o.length-size))
}

// stream makes the requests of one thread.
type stream struct {
	w       *Workload
	random  random
	request uint64 // counts requests and items of batches
	drawn   []drawn
	heads   []heads
	slots   []slot
}

// slot is what is remembered of a connection's request until its answer is judged.
type slot struct {
	operation int
	again     bool
	text      []byte // header lines, then the variables of each item, then what checks expect
	headers   int    // end of the header lines in text
	items     []item
	expected  []int // ends in text
}

type item struct{ operation, end int }

// Next draws a request and appends it.
func (s *stream) Next(dst []byte, t *load.Target, index int) (request []byte, operation int) {
	for index >= len(s.slots) {
		s.slots = append(s.slots, slot{})
	}
	st := &s.slots[index]
	st.operation = s.choose()
	st.again = false
	s.fill(st)
	return s.write(dst, t, st), st.operation
}

// Again appends the slot's request with its document.
func (s *stream) Again(dst []byte, t *load.Target, index int) []byte {
	st := &s.slots[index]
	st.again = true
	return s.write(dst, t, st)
}

func (s *stream) choose() int {
	w := s.w
	if w.byShare && s.random.unit() < w.share {
		return w.mutationOps[w.mutations.pick(&s.random, nil)]
	}
	return w.readOps[w.reads.pick(&s.random, nil)]
}

// fill draws what the slot's request holds.
func (s *stream) fill(st *slot) {
	s.request++
	o := &s.w.operations[st.operation]
	st.text = s.run(st.text[:0], o.headers)
	st.headers = len(st.text)
	st.items = st.items[:0]
	if o.batch == 0 {
		st.text = s.run(st.text, o.variables)
		st.items = append(st.items, item{st.operation, len(st.text)})
	}
	for i := range o.batch {
		if i > 0 {
			s.request++
		}
		index := o.of[o.picks.pick(&s.random, nil)]
		st.text = s.run(st.text, s.w.operations[index].variables)
		st.items = append(st.items, item{index, len(st.text)})
	}
	st.expected = st.expected[:0]
	for i := range o.checks {
		if p := o.checks[i].drawn; p != nil {
			st.text = s.run(st.text, p)
			st.expected = append(st.expected, len(st.text))
		}
	}
}

func (o *operation) hasHost() bool {
	return bytes.HasPrefix(o.fixed, []byte("Host: ")) || bytes.Contains(o.fixed, []byte("\r\nHost: "))
}

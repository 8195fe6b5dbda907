package replay

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/workload"
)

// Source makes the requests of a HAR file or a log. In the exact form the k-th request of a stream is the k-th of the recording, from the first again after the
// last; as a mix each is drawn, all alike.
func (r *Recording) Source(mix bool) load.Source { return &source{r, mix} }

type source struct {
	*Recording
	mix bool
}

func (s *source) Stream(seed uint64, n int) load.Stream {
	return &stream{r: s.Recording, mix: s.mix, random: rand.New(rand.NewPCG(seed, uint64(n)))}
}

// stream sends the entries of a recording.
type stream struct {
	r      *Recording
	mix    bool
	random *rand.Rand
	next   int
	batch  []int // by slot
}

// Next appends the next request.
func (s *stream) Next(dst []byte, t *load.Target, slot int) (request []byte, operation int) {
	i := s.next
	if s.mix {
		i = s.random.IntN(len(s.r.entries))
	} else if s.next++; s.next == len(s.r.entries) {
		s.next = 0
	}
	if slot >= len(s.batch) {
		s.batch = append(s.batch, make([]int, slot+1-len(s.batch))...)
	}
	e := &s.r.entries[i]
	s.batch[slot] = int(e.batch)
	return s.r.write(dst, t, e), int(e.label)
}

func (r *Recording) write(dst []byte, t *load.Target, e *entry) []byte {
	head, variables, tail := r.store.text(e.head), r.store.text(e.variables), r.store.text(e.tail)
	if e.get {
		separator := byte('?')
		if strings.IndexByte(t.Path, '?') >= 0 {
			separator = '&'
		}
		dst = append(append(append(dst, "GET "...), t.Path...), separator)
		dst = append(append(append(dst, head...), variables...), tail...)
		dst = append(append(append(dst, " HTTP/1.1\r\nHost: "...), t.Host...), "\r\n"...)
		return append(append(dst, r.store.text(e.headers)...), "\r\n"...)
	}
	dst = append(append(append(dst, "POST "...), t.Path...), " HTTP/1.1\r\nHost: "...)
	dst = append(append(append(dst, t.Host...), "\r\n"...), r.store.text(e.headers)...)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(head)+len(variables)+len(tail)), 10)
	dst = append(append(dst, "\r\n\r\n"...), head...)
	return append(append(dst, variables...), tail...)
}

// Judge takes any answer of status 200 without errors. What was recorded is sent as it was: there is no second request.
func (s *stream) Judge(a *load.Reply, slot int) (failure string, again bool) {
	if a.Status != 200 {
		return workload.FailStatus, false
	}
	return workload.Scan(a.Body, s.batch[slot]), false
}

// Again is never asked for.
func (s *stream) Again(dst []byte, _ *load.Target, _ int) []byte { return dst }

// Missing is an operation of cost events that no document was found for.
type Missing struct {
	Operation
	Why string
}

// maxDraws is how often a workload is asked for one operation.
const maxDraws = 100_000

// Join makes a source of cost events and the documents of w, found by name, else by hash. Events of operations without a document are left out of the source
// and of the Recording returned, and named.
func (r *Recording) Join(w load.Source) (*Recording, *Operations, []Missing) {
	o := &Operations{documents: w}
	samples := o.samples()
	byName, byHash := map[string]int{}, map[string]int{}
	for i, l := range w.Labels() {
		if l.Kind == load.KindBatch {
			continue
		}
		byName[l.Name] = i
		if h := hash(samples[i]); h != "" {
			byHash[h] = i
		}
	}
	var missing []Missing
	of := make([]int, len(r.operations)) // by operation: index in the workload, or -1
	for i, op := range r.operations {
		n, ok := byName[op.Name]
		if same, hashed := byHash[op.Hash]; !ok && hashed {
			n, ok = same, true
		}
		why := ""
		switch {
		case !ok:
			why = "no operation of this name or hash"
		case w.Labels()[n].Kind != op.Kind:
			why = "a " + w.Labels()[n].Kind + " in the workload, a " + op.Kind + " in the events"
		case samples[n] == nil:
			why = "its weight in the workload is 0 or nearly so"
		}
		if of[i] = n; why != "" {
			of[i] = -1
			missing = append(missing, Missing{op, why})
		}
	}
	slices.SortFunc(missing, func(a, b Missing) int { return b.Count - a.Count })
	joined := *r
	joined.events = nil
	for _, e := range r.events {
		if n := of[e.operation]; n >= 0 {
			joined.events = append(joined.events, occurrence{e.at, uint32(n)})
		}
	}
	for i := len(joined.events) - 1; i >= 0; i-- {
		joined.events[i].at -= joined.events[0].at
	}
	o.events = joined.events
	return &joined, o, missing
}

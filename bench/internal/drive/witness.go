package drive

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/weirproxy/weir/bench/internal/load"
)

const (
	maxWitnessed = 8   // kinds of failure
	maxShown     = 240 // characters of an answer
)

// witness is a source that remembers the first answer of each kind of failure, so that a person sees why requests fail and not only how many.
type witness struct {
	load.Source
	tell func(text string) // called once for each kind, from a thread of the generator

	mu   sync.Mutex
	seen map[string]bool
}

func (w *witness) Stream(seed uint64, n int) load.Stream {
	return &witnessed{Stream: w.Source.Stream(seed, n), w: w, seen: map[string]bool{}}
}

// witnessed is the stream of one thread.
type witnessed struct {
	load.Stream
	w          *witness
	operations []int // under way, by slot
	seen       map[string]bool
}

func (s *witnessed) Next(dst []byte, t *load.Target, slot int) ([]byte, int) {
	request, operation := s.Stream.Next(dst, t, slot)
	for slot >= len(s.operations) {
		s.operations = append(s.operations, 0)
	}
	s.operations[slot] = operation
	return request, operation
}

func (s *witnessed) Judge(a *load.Reply, slot int) (failure string, again bool) {
	failure, again = s.Stream.Judge(a, slot)
	if failure != "" && !s.seen[failure] {
		s.seen[failure] = true
		s.w.first(failure, s.operations[slot], a)
	}
	return failure, again
}

// first tells about a failure unless another thread saw one of its kind before.
func (w *witness) first(failure string, operation int, a *load.Reply) {
	w.mu.Lock()
	told := w.seen[failure] || len(w.seen) >= maxWitnessed
	w.seen[failure] = true
	w.mu.Unlock()
	if !told {
		w.tell(fmt.Sprintf("first failure (%s) is of %s: status %d %s", failure, w.Labels()[operation].Name, a.Status, excerpt(a.Body)))
	}
}

// excerpt is the beginning of an answer on one line; what a terminal would obey is left out.
func excerpt(body []byte) string {
	if len(body) == 0 {
		return "without a body"
	}
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(string(body[:min(len(body), 4*maxShown)]), "�") {
		if unicode.IsSpace(r) {
			r = ' '
		}
		if !unicode.IsPrint(r) {
			continue
		}
		if n++; n > maxShown {
			return b.String() + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}

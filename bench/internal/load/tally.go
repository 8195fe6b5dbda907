package load

import (
	"errors"
	"maps"
	"os"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Kinds of failure that the generator itself sees; a Stream's Judge has more.
const (
	FailConnect = "connect"
	FailIO      = "connection"
	FailTimeout = "timeout"
	FailStatus  = "status"
	FailErrors  = "graphql errors"
	FailHTTP    = "bad response" // no HTTP
	FailUnsent  = "unsent"       // due before the end, but no connection was free until long after it
)

// tally counts answers. It belongs to whoever holds its thread's lock.
type tally struct {
	requests, errors, excused             int64
	hits, misses, staleHits, stale, bytes int64
	failures                              map[string]int64
	latency                               result.Histogram
}

func newTally() tally { return tally{failures: map[string]int64{}, latency: result.NewHistogram()} }

func (t *tally) reset() {
	t.latency.Reset()
	clear(t.failures)
	*t = tally{latency: t.latency, failures: t.failures}
}

func (t *tally) add(o *tally) {
	t.latency.Merge(o.latency)
	t.requests += o.requests
	t.errors += o.errors
	t.excused += o.excused
	t.hits += o.hits
	t.misses += o.misses
	t.staleHits += o.staleHits
	t.stale += o.stale
	t.bytes += o.bytes
	for kind, n := range o.failures {
		t.failures[kind] += n
	}
}

// outcome is what one request came to.
type outcome struct {
	failure  string // "": success
	excused  bool
	answered bool
	cache    Cache
	stale    int64
	bytes    int
	latency  time.Duration
	service  time.Duration
}

// count adds an outcome. hide keeps the latency of an excused success out.
func (t *tally) count(o *outcome, hide bool) {
	t.requests++
	t.stale += o.stale
	t.bytes += int64(o.bytes)
	switch {
	case o.cache.Hit:
		t.hits++
		if o.cache.Stale {
			t.staleHits++
		}
	case o.cache.Said:
		t.misses++
	}
	switch {
	case o.failure == "" && o.excused && hide:
	case o.failure == "":
		t.latency.Record(o.latency)
	case o.excused:
		t.excused++
	default:
		t.errors++
		t.failures[o.failure]++
	}
}

func (t *tally) stats(elapsed time.Duration) result.Stats {
	s := result.Stats{
		Requests: t.requests, Errors: t.errors, Excused: t.excused, Hits: t.hits, Misses: t.misses, StaleHits: t.staleHits, StaleEntities: t.stale,
		Bytes: t.bytes, Latency: t.latency.Clone(),
	}
	if len(t.failures) > 0 {
		s.Failures = maps.Clone(t.failures)
	}
	if elapsed > 0 {
		s.Rate = float64(t.requests) / elapsed.Seconds()
	}
	return s
}

// failureOf is the kind of an error on a connection.
func failureOf(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return FailTimeout
	case errors.Is(err, errBadResponse):
		return FailHTTP
	}
	return FailIO
}

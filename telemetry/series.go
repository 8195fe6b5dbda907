package telemetry

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/telemetry/internal/score"
)

// maxSeries bounds the operations that are told apart.
const maxSeries = 500

type seriesKey struct {
	hash      [16]byte
	operation string
}

// Series is one operation: its counters and its anomaly score.
type Series struct {
	operation string
	kind      atomic.Uint32
	requests  [cacheStatuses]atomic.Uint64
	errors    atomic.Uint64
	cost      atomic.Int64 // pico-USD
	saved     atomic.Int64

	mu     sync.Mutex
	scorer score.Scorer
	score  atomic.Uint32 // bits of a float32
}

// Series finds or makes the series of an operation. It allocates nothing for a known one. Beyond 500 series it returns the one named
// "other".
func (t *Telemetry) Series(operation string, hash [16]byte) *Series {
	k := seriesKey{hash, operation}
	if s, ok := t.series.load()[k]; ok {
		return s
	}
	if s, ok := t.series.add(k, maxSeries, func() *Series {
		return &Series{operation: strings.ToValidUTF8(operation, "\ufffd")} // a label of metrics
	}); ok {
		return s
	}
	return t.other
}

// Score returns the anomaly score of the last second that had requests, 0..1; 0.8 and more is an alarm.
func (s *Series) Score() float32 { return math.Float32frombits(s.score.Load()) }

// observe takes one request that went to the upstream into the score.
func (s *Series) observe(end, latency int64, failed bool) {
	s.mu.Lock()
	v := s.scorer.Add(end, latency, failed)
	s.mu.Unlock()
	s.score.Store(math.Float32bits(float32(v)))
}

// count adds one operation to the counters.
func (s *Series) count(r *Record) {
	s.requests[r.CacheStatus].Add(1)
	if r.Errors > 0 {
		s.errors.Add(1)
	}
	s.cost.Add(r.Cost)
	s.saved.Add(r.Saved)
	if s.kind.Load() != uint32(r.Kind) {
		s.kind.Store(uint32(r.Kind))
	}
}

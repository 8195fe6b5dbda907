package telemetry

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/telemetry/internal/score"
)

// maxSeries bounds the operations that are told apart.
const maxSeries = 500

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
	scored atomic.Int64  // unix ns of the last request in it
}

// Series finds or makes the series of an operation name. It allocates nothing for a known one. Beyond 500 series it returns the one
// named "other".
func (t *Telemetry) Series(operation string) *Series {
	if s, ok := t.series.load()[operation]; ok {
		return s
	}
	if s, ok := t.series.add(operation, maxSeries, func() *Series {
		return &Series{operation: strings.ToValidUTF8(operation, "\ufffd")} // a label of metrics
	}); ok {
		return s
	}
	return t.other
}

// A score is evidence about the moment of its requests: without new ones it fades.
const (
	scoreHolds = int64(10 * time.Second)
	scoreHalf  = float64(30 * time.Second) // half-life after that
)

// Score returns the anomaly score at unix ns now, 0..1; 0.8 and more is an alarm.
func (s *Series) Score(now int64) float32 {
	v := math.Float32frombits(s.score.Load())
	if old := now - s.scored.Load() - scoreHolds; v > 0 && old > 0 {
		v *= float32(math.Exp2(-float64(old) / scoreHalf))
	}
	return v
}

// observe takes one request that went to the upstream into the score.
func (s *Series) observe(end, latency int64, failed bool) {
	s.mu.Lock()
	v := s.scorer.Add(end, latency, failed)
	s.mu.Unlock()
	s.keep(end, v)
}

// sample is observe that gives a request up rather than wait for another one's: for a series that all requests share.
func (s *Series) sample(end, latency int64, failed bool) {
	if !s.mu.TryLock() {
		return
	}
	v := s.scorer.Add(end, latency, failed)
	s.mu.Unlock()
	s.keep(end, v)
}

func (s *Series) keep(end int64, v float64) {
	s.score.Store(math.Float32bits(float32(v)))
	s.scored.Store(end)
}

// count adds one operation to the counters.
func (s *Series) count(r *Record) {
	s.requests[r.CacheStatus].Add(1)
	if r.Errors > 0 {
		s.errors.Add(1)
	}
	s.cost.Add(r.Cost)
	s.saved.Add(r.Saved)
	if s.kind.Load() == 0 { // the first kind that is known stays: it is a label
		s.kind.Store(uint32(r.Kind))
	}
}

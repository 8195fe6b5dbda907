package load

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run or a window of it saw. Latencies are microseconds; in an open loop they count from the intended time.
type Report struct {
	Seconds       float64          `json:"seconds"`
	Requests      int64            `json:"requests"` // answered or failed
	Reads         int64            `json:"reads"`
	Mutations     int64            `json:"mutations"`
	Hits          int64            `json:"hits"` // answered by a cache, as Cache-Status says
	StaleHits     int64            `json:"stale_hits"`
	HitRatio      float64          `json:"hit_ratio"` // of the reads
	Bytes         int64            `json:"bytes"`     // of answer bodies
	PerSecond     float64          `json:"per_second"`
	P50           int64            `json:"p50_us"`
	P90           int64            `json:"p90_us"`
	P99           int64            `json:"p99_us"`
	P999          int64            `json:"p999_us"`
	Max           int64            `json:"max_us"`
	Errors        int64            `json:"errors"`
	Excused       int64            `json:"excused_errors"` // failures while they were expected
	Failures      map[string]int64 `json:"failures,omitempty"`
	StaleEntities int64            `json:"stale_entities"` // older than the last acknowledged version allows
}

const (
	lowest, highest = 1, 120_000_000 // µs
	digits          = 3
)

type tally struct {
	latency, excusedLatency            *hdrhistogram.Histogram
	requests, reads, mutations         int64
	hits, staleHits, bytes             int64
	errors, excused, staleEntitiesRead int64
	failures                           map[string]int64
}

func newTally() tally {
	return tally{
		latency: hdrhistogram.New(lowest, highest, digits), excusedLatency: hdrhistogram.New(lowest, highest, digits), failures: map[string]int64{},
	}
}

func (t *tally) reset() {
	t.latency.Reset()
	t.excusedLatency.Reset()
	clear(t.failures)
	*t = tally{latency: t.latency, excusedLatency: t.excusedLatency, failures: t.failures}
}

func (t *tally) add(o *tally) {
	t.latency.Merge(o.latency)
	t.requests += o.requests
	t.reads += o.reads
	t.mutations += o.mutations
	t.hits += o.hits
	t.staleHits += o.staleHits
	t.bytes += o.bytes
	t.errors += o.errors
	t.excused += o.excused
	t.staleEntitiesRead += o.staleEntitiesRead
	for kind, n := range o.failures {
		t.failures[kind] += n
	}
}

func (t *tally) count(op *Operation, a *Answer, err error, took time.Duration, expected bool, stale int) {
	t.requests++
	t.staleEntitiesRead += int64(stale)
	if op.Mutation {
		t.mutations++
	} else {
		t.reads++
	}
	var kind string
	if err != nil {
		kind = FailIO
		var f *failed
		if errors.As(err, &f) {
			kind = f.kind
		}
	} else {
		t.bytes += int64(len(a.Body))
		kind = a.failure()
		if c := a.Cache(); c.Hit && !op.Mutation {
			t.hits++
			if c.Stale {
				t.staleHits++
			}
		}
	}
	us := min(max(took.Microseconds(), lowest), highest) // inside the range: recording cannot fail
	switch {
	case kind == "" && expected:
		_ = t.excusedLatency.RecordValue(us)
	case kind == "":
		_ = t.latency.RecordValue(us)
	case expected:
		t.excused++
	default:
		t.errors++
		t.failures[kind]++
	}
}

func (t *tally) report(elapsed time.Duration) Report {
	r := Report{
		Seconds: elapsed.Seconds(), Requests: t.requests, Reads: t.reads, Mutations: t.mutations, Hits: t.hits, StaleHits: t.staleHits, Bytes: t.bytes,
		P50: t.latency.ValueAtQuantile(50), P90: t.latency.ValueAtQuantile(90), P99: t.latency.ValueAtQuantile(99), P999: t.latency.ValueAtQuantile(99.9),
		Max: t.latency.Max(), Errors: t.errors, Excused: t.excused, StaleEntities: t.staleEntitiesRead, Failures: maps.Clone(t.failures),
	}
	if t.reads > 0 {
		r.HitRatio = float64(t.hits) / float64(t.reads)
	}
	if elapsed > 0 {
		r.PerSecond = float64(t.requests) / elapsed.Seconds()
	}
	return r
}

// WriteText prints the report for a person.
func (r *Report) WriteText(w io.Writer) {
	fmt.Fprintf(w, "requests   %d in %.1f s, %.0f/s (%d reads, %d mutations)\n", r.Requests, r.Seconds, r.PerSecond, r.Reads, r.Mutations)
	fmt.Fprintf(w, "hits       %d, %.1f %% of the reads (%d stale on purpose)\n", r.Hits, 100*r.HitRatio, r.StaleHits)
	fmt.Fprintf(w, "latency    p50 %d µs, p90 %d, p99 %d, p99.9 %d, max %d\n", r.P50, r.P90, r.P99, r.P999, r.Max)
	fmt.Fprintf(w, "bytes      %d in answers\n", r.Bytes)
	fmt.Fprintf(w, "errors     %d", r.Errors)
	for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(w, ", %s %d", kind, r.Failures[kind])
	}
	fmt.Fprintf(w, "\nstale      %d entities older than the last acknowledged version allows\n", r.StaleEntities)
}

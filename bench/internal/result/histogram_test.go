package result

import (
	"encoding/json"
	"testing"
	"time"
)

func TestHistogramSurvivesJSON(t *testing.T) {
	h := NewHistogram()
	for i := range 10_000 {
		h.Record(time.Duration(i) * 37 * time.Microsecond)
	}
	raw, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back Histogram
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	for _, p := range []float64{0, 1, 50, 90, 99, 99.9, 100} {
		if h.At(p) != back.At(p) {
			t.Errorf("p%v is %d, %d after a round trip", p, h.At(p), back.At(p))
		}
	}
	if h.Count() != back.Count() {
		t.Errorf("%d values became %d", h.Count(), back.Count())
	}
}

func TestEmptyHistogram(t *testing.T) {
	raw, err := json.Marshal(Stats{})
	if err != nil {
		t.Fatal(err)
	}
	var s Stats
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if s.Latency.Count() != 0 || s.Latency.At(99) != 0 {
		t.Error("an empty histogram did not stay empty")
	}
}

func TestMergeAdds(t *testing.T) {
	var a, b, both Histogram
	for i := range 5000 {
		d := time.Duration(1+i*i%9973) * time.Microsecond
		both.Record(d)
		if i%3 == 0 {
			a.Record(d)
		} else {
			b.Record(d)
		}
	}
	a.Merge(b)
	for _, p := range []float64{1, 50, 99, 99.99} {
		if a.At(p) != both.At(p) {
			t.Errorf("p%v: %d merged, %d recorded together", p, a.At(p), both.At(p))
		}
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	h := NewHistogram()
	if n := testing.AllocsPerRun(1000, func() { h.Record(42 * time.Microsecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

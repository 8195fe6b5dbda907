package soak

import (
	"context"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/heapprofile"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	heapStride = 8 // samples to one forced collection: 16 s in a soak of minutes
	sampleTime = 5 * time.Second
	topChanges = 12
)

// heap is a profile of a subject, taken after a forced collection.
type heap struct {
	at      float64 // seconds since the start
	profile heapprofile.Profile
}

// readHeap adds the live heap of a subject to its sample when it is due.
func (w *Watcher) readHeap(ctx context.Context, subject int, sample map[string]float64) error {
	s := w.subjects[subject]
	if s.Admin == "" {
		return nil
	}
	p, err := heapprofile.Read(ctx, s.Admin)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	sample[liveHeap] = float64(p.Live)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heaps[subject] = append(w.heaps[subject], heap{time.Since(w.begun).Seconds(), p})
	return nil
}

// HeapTables say for each subject which functions hold more or less at the end than when the judging began.
func (w *Watcher) HeapTables(warmup time.Duration) (tables []result.Table) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.subjects {
		judged := w.heaps[i]
		for len(judged) > 0 && judged[0].at < warmup.Seconds() {
			judged = judged[1:]
		}
		if len(judged) < 2 {
			continue
		}
		first, last := judged[0], judged[len(judged)-1]
		t := result.Table{
			Name: "soak-heap-" + s.Name, Title: s.Name + ": what holds more of the heap, or less",
			Text: fmt.Sprintf("Live heap after a forced collection, %.0f s and %.0f s after the start: %.2f and %.2f MiB, counted. By the function that allocated it, estimated from a sample of every %d KiB.",
				first.at, last.at, float64(first.profile.Live)/mib, float64(last.profile.Live)/mib, last.profile.Every>>10),
			Columns: []result.Column{{Name: "begin", Unit: "MiB"}, {Name: "end", Unit: "MiB"}, {Name: "change", Unit: "MiB"}},
		}
		for _, c := range heapprofile.Changes(first.profile, last.profile, topChanges) {
			t.Labels, t.Rows = append(t.Labels, c.Where), append(t.Rows, []float64{float64(c.Before) / mib, float64(c.After) / mib, float64(c.By()) / mib})
		}
		tables = append(tables, t)
	}
	return tables
}

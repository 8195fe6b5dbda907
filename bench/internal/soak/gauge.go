package soak

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/weirproxy/weir/bench/internal/scrape"
	"github.com/weirproxy/weir/bench/internal/vitals"
)

// Subject is a process that is watched.
type Subject struct {
	Name  string
	PID   int
	Admin string // URL of the admin listener with /metrics and /debug/pprof; empty: only what the kernel knows
	State string // folder whose files are added up; empty: none
}

// gauge is one thing that must not grow.
type gauge struct {
	name, unit string
	tolerance  Tolerance // per hour
	metrics    []string  // summed, of /metrics; the last one that is absent is 0
	panel      int       // of the plots
}

// Panels of the plots.
const (
	memoryPanel = iota
	countPanel
	queuePanel
)

const mib = 1 << 20

// liveHeap is what is reachable after a forced collection: the heap in use between two collections says as much of the collector as of the program.
const liveHeap = "live heap"

// gauges are what is judged. A tolerance has to bear what is no leak: the heap of a sidecar under mixed load breathes, the collector gives memory back when it
// likes, and 8 MiB an hour are what a leak of 6 bytes for each of 400 requests a second would come to.
func gauges() []gauge {
	memory := Tolerance{Share: 0.10, Absolute: 8 * mib}
	count := Tolerance{Share: 0.10, Absolute: 20}
	queue := Tolerance{Share: 0.10, Absolute: 200}
	// Names invalidated rise from 0 to some 250 between two restarts of Redis, which forget them: 20 minutes tell a slope to ±200. Of the 35,000 invalidations of an
	// hour this is one in 35; no more names than the load's entities can ever be remembered.
	names := Tolerance{Share: 0.10, Absolute: 1000}
	return []gauge{
		{"RSS", "B", memory, nil, memoryPanel},
		{"PSS", "B", memory, nil, memoryPanel},
		{liveHeap, "B", memory, nil, memoryPanel},
		{"stacks", "B", memory, []string{"go_memstats_stack_inuse_bytes"}, memoryPanel},
		{"goroutines", "", count, []string{"go_goroutines"}, countPanel},
		{"open files", "", count, nil, countPanel},
		{"threads", "", count, nil, countPanel},
		{"client connections", "", count, []string{"weir_connections"}, countPanel},
		{"events waiting", "", queue, []string{"weir_events_waiting"}, queuePanel},
		{"invalidations waiting", "", queue, []string{"weir_invalidations_waiting"}, queuePanel},
		{"writes waiting for Redis", "", queue, []string{"weir_redis_write_queue"}, queuePanel},
		{"state on disk", "B", memory, nil, queuePanel},
		{"cache", "B", memory, []string{"weir_cache_bytes"}, memoryPanel},
		{"tombstones", "", names, []string{"weir_cache_tombstones"}, queuePanel},
		{"plans", "", queue, []string{"weir_plans"}, queuePanel},
	}
}

// read takes one sample of every gauge that the subject has; absent ones are not in the map.
func (s *Subject) read(ctx context.Context) (map[string]float64, error) {
	out := map[string]float64{}
	memory, err := vitals.ReadMemory(s.PID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	out["RSS"], out["PSS"] = float64(memory.RSS), float64(memory.PSS)
	files, err := vitals.Files(s.PID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	threads, err := vitals.Threads(s.PID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	out["open files"], out["threads"] = float64(files), float64(threads)
	if s.State != "" {
		out["state on disk"] = float64(folderBytes(s.State))
	}
	if s.Admin == "" {
		return out, nil
	}
	m, err := scrape.Get(ctx, s.Admin+"/metrics")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	for _, g := range gauges() {
		for _, name := range g.metrics {
			if v, ok := m.Sum(name); ok {
				out[g.name] += v
			}
		}
	}
	out[panics], _ = m.Sum("weir_panics_total")
	out[evictions], _ = m.Sum("weir_cache_evicted_total")
	return out, nil
}

// Read beside the gauges.
const (
	panics    = "panics" // one is too many
	evictions = "evictions"
)

// folderBytes adds up the files; one that goes meanwhile is not counted.
func folderBytes(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a file that has gone
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

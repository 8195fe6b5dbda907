package proxy

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/usage"
	"github.com/weirproxy/weir/telemetry"
	"github.com/weirproxy/weir/telemetry/event"
)

// fieldUsage tells which client used which field, by events, and how often each field was used, by metrics.
type fieldUsage struct {
	usage.Table
	every time.Duration
	tell  func(*event.Usage) // nil: nobody hears of it
	since time.Time
	lost  uint64 // overflow that was told

	mu     sync.Mutex
	fields map[planner.Field]uint64 // since the start; nil: they are not in the metrics
	others uint64                   // of fields that found no room there
	untold map[string]*usage.Client // what a scrape took of what the next events tell
}

// usageSeries bounds the fields in the metrics: the first that are used.
const usageSeries = 2000

// newFieldUsage returns nil when nobody would hear of it.
func newFieldUsage(every time.Duration, events, metrics bool, tell func(*event.Usage)) *fieldUsage {
	if events = events && every > 0; !events && !metrics {
		return nil
	}
	u := &fieldUsage{every: cmp.Or(every, time.Minute), since: time.Now(), untold: map[string]*usage.Client{}}
	if events {
		u.tell = tell
	}
	if metrics {
		u.fields = map[planner.Field]uint64{}
	}
	return u
}

// table is nil when nothing is counted.
func (u *fieldUsage) table() *usage.Table {
	if u == nil {
		return nil
	}
	return &u.Table
}

// run tells until ctx ends; what is left then is for report.
func (u *fieldUsage) run(ctx context.Context) {
	tick := time.NewTicker(u.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			u.report()
		}
	}
}

// take adds what was counted since the last time to what is told. The lock is held.
func (u *fieldUsage) take() {
	for _, c := range u.Take() {
		if u.fields != nil {
			u.add(c.Fields)
		}
		if u.tell == nil {
			continue
		}
		if before := u.untold[c.Name]; before != nil {
			before.Join(&c)
		} else {
			u.untold[c.Name] = &c
		}
	}
}

func (u *fieldUsage) add(list []event.FieldUsage) {
	for _, f := range list {
		k := planner.Field{Type: f.Type, Name: f.Field}
		if _, known := u.fields[k]; known || len(u.fields) < usageSeries {
			u.fields[k] += f.Count
		} else {
			u.others += f.Count
		}
	}
}

// usageFields bounds the fields of one event, so that it stays far below what a broker takes.
const usageFields = 1000

// report tells what was counted since the last report: for each client an event, or several where it uses many fields.
func (u *fieldUsage) report() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.take()
	if u.tell == nil {
		return
	}
	now := time.Now()
	from := u.since
	u.since = now
	_, overflow := u.Stats()
	lost := overflow - u.lost
	u.lost = overflow
	for _, name := range slices.Sorted(maps.Keys(u.untold)) {
		c := u.untold[name]
		for part := 0; len(c.Fields) > 0; part++ {
			n := min(len(c.Fields), usageFields)
			e := &event.Usage{Client: c.Name, From: telemetry.Timestamp(from), To: telemetry.Timestamp(now), Part: part, Overflow: lost, Fields: c.Fields[:n]}
			if c.Fields = c.Fields[n:]; part == 0 {
				e.Operations = c.Operations
			}
			lost = 0
			u.tell(e)
		}
	}
	clear(u.untold)
}

func (u *fieldUsage) collect(set telemetry.Set) {
	counted, overflow := u.Stats()
	set.Counter("weir_schema_usage_operations_total", "Operations whose fields were counted.", float64(counted))
	set.Counter("weir_schema_usage_overflow_total", "Operations whose fields were not counted: there were too many clients and operations in one interval.", float64(overflow))
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fields == nil {
		return
	}
	u.take()
	for f, n := range u.fields {
		set.Counter("weir_schema_field_usage_total", "Operations that asked for a field.", float64(n), "type", f.Type, "field", f.Name)
	}
	set.Counter("weir_schema_field_usage_others_total", "The same of fields that found no room among the first in use.", float64(u.others))
}

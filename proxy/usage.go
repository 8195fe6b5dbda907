package proxy

import (
	"context"
	"time"

	"github.com/weirproxy/weir/proxy/internal/usage"
	"github.com/weirproxy/weir/telemetry"
	"github.com/weirproxy/weir/telemetry/event"
)

// fieldUsage tells by events which client used which field.
type fieldUsage struct {
	usage.Table
	every time.Duration
	tell  func(*event.Usage)
	since time.Time
	lost  uint64 // overflow that was told
}

// newFieldUsage returns nil when nobody would hear of it.
func newFieldUsage(every time.Duration, kafka []string, tell func(*event.Usage)) *fieldUsage {
	if every <= 0 || len(kafka) == 0 {
		return nil
	}
	return &fieldUsage{every: every, tell: tell, since: time.Now()}
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

// usageFields bounds the fields of one event, so that it stays far below what a broker takes.
const usageFields = 1000

// report tells what was counted since the last report: for each client an event, or several where it uses many fields.
func (u *fieldUsage) report() {
	now := time.Now()
	from := u.since
	u.since = now
	_, overflow := u.Stats()
	lost := overflow - u.lost
	u.lost = overflow
	for _, c := range u.Take() {
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
}

func (u *fieldUsage) collect(set telemetry.Set) {
	counted, overflow := u.Stats()
	set.Counter("weir_schema_usage_operations_total", "Operations whose fields were counted by client.", float64(counted))
	set.Counter("weir_schema_usage_overflow_total", "Operations whose fields were not counted: there were too many clients and operations in one interval.", float64(overflow))
}

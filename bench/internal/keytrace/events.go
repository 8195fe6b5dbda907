package keytrace

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/weirproxy/weir/bench/internal/replay"
	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/telemetry/event"
)

// events reads cost events. An event does not say how long the fetch took whose answer a hit gave: for hits it is the mean of the operation's
// misses.
type events struct {
	*builder
	seen    replay.Seen
	fetches map[string]*mean // by operation
	unknown []hit
}

type mean struct{ sum, n int64 }

// hit is a use whose fetch time has to be found.
type hit struct {
	use       int
	operation string
}

type anEvent struct {
	Data *event.Cost `json:"data"`
	event.Cost
}

func (e *events) take(line []byte) {
	var v anEvent
	if json.Unmarshal(line, &v) != nil {
		e.skip("a line that is no event")
		return
	}
	c := &v.Cost
	if v.Data != nil {
		c = v.Data
	}
	at, err := time.Parse(time.RFC3339Nano, c.Timestamp)
	switch {
	case c.EventType != event.CostType:
		e.skip("an event of another type than %s", event.CostType)
	case err != nil:
		e.skip("no time")
	case c.OperationKind != "query" || c.CacheStatus == "none" || c.CacheStatus == "bypass" || c.CacheStatus == "refused":
		e.skip("an operation that the cache was not asked for")
	case c.Errors > 0 || c.Status >= 400:
		e.skip("an answer with errors")
	case e.seen.Before(c.EventID):
		e.skip("an event that came before")
	default:
		e.add(c, at)
	}
}

func (e *events) add(c *event.Cost, at time.Time) {
	key := c.Metadata["cache_key"]
	if key == "" {
		e.trace.Guessed++
		key = fmt.Sprintf("%q %q %d", c.OperationHash, c.Tenant, c.Quantities.BytesOut)
	}
	cost, _ := pico(c.CostAmount) // an amount that cannot be read is none
	saved, _ := pico(c.SavedAmount)
	u := cache.Use{
		At: at.UnixNano() - max(0, c.LatencyUS)*int64(time.Microsecond), Key: e.number(key), Bytes: min(c.Quantities.BytesOut, math.MaxInt32), Worth: cost + saved,
	}
	operation := c.OperationHash + c.Operation
	if c.CacheStatus == "miss" {
		if e.fetches == nil {
			e.fetches = map[string]*mean{}
		}
		m := e.fetches[operation]
		if m == nil {
			m = new(mean)
			e.fetches[operation] = m
		}
		m.sum += c.Quantities.UpstreamUS
		m.n++
		u.FetchMicros = micros(c.Quantities.UpstreamUS)
	} else {
		e.unknown = append(e.unknown, hit{len(e.trace.Uses), operation})
	}
	e.trace.Uses = append(e.trace.Uses, u)
}

func (e *events) finish() (*Trace, error) {
	for _, h := range e.unknown {
		if m := e.fetches[h.operation]; m != nil {
			e.trace.Uses[h.use].FetchMicros = micros(m.sum / m.n)
		}
	}
	return e.builder.finish()
}

package cache

import (
	"context"
	"errors"
	"iter"
	"math"
	"runtime"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// Use is one use of a key in a trace.
type Use struct {
	At          int64  // ns, from any moment on; not before the use before it
	Key         uint64 // names the entry
	Bytes       int64  // of its head, body and tags
	FetchMicros uint32 // how long a fetch takes, µs
	Worth       int64  // what it costs, pico-USD
	TTL         time.Duration
}

// Simulation is what a cache makes of a trace.
type Simulation struct {
	Uses        uint64
	Hits        uint64
	Absent      uint64 // misses: never stored, or pushed out
	Expired     uint64 // misses: stored, and past their time
	Refreshes   uint64 // fetches in the background, begun early by a hit
	Stored      uint64
	TooBig      uint64 // answers not stored for their size
	Evicted     uint64 // pushed out, or not let in
	SavedMicros uint64 // fetch time that hits spared
	SavedPico   int64  // and money, pico-USD
	Bytes       int64  // at the end
	Entries     int64
}

// tagsOfUse is how many tags an answer of a trace is taken to have.
const tagsOfUse = 4

// Charge is what an answer of so many bytes, tags included, counts against Config.MaxBytes.
func Charge(bytes int64) int64 {
	return entry.Charge(int(min(max(bytes, 0), math.MaxInt32)), tagsOfUse)
}

// Simulate plays a trace against a store of this process alone that cfg describes: the store that serves, with its eviction, bookkeeping
// and early refresh, under the trace's clock. What is fetched is there at once, so uses during a fetch are hits; nothing is invalidated and
// no body is kept, only charged. Which entries are kept depends a little on chance, as it does when serving.
func Simulate(ctx context.Context, cfg Config, trace iter.Seq[Use]) (Simulation, error) {
	var out Simulation
	if len(cfg.Redis) > 0 {
		return out, errors.New("cache: a simulation is of one process; leave Redis out")
	}
	now := int64(0)
	cfg.Now = func() int64 { return now }
	s, err := Open(cfg)
	if err != nil {
		return out, err
	}
	defer func() { _ = s.Close() }() // it cannot fail without Redis
	p := player{s: s, out: &out}
	const epoch = int64(time.Hour) // a time of 0 means none in some places
	for u := range trace {
		now = max(now, epoch+u.At)
		p.play(ctx, &u, now)
		if out.Uses%64 != 0 {
			continue
		}
		runtime.Gosched() // the tier notes accesses in a goroutine of its own, which serving leaves time for
		if err := ctx.Err(); err != nil {
			return out, err
		}
	}
	st := s.Stats()
	out.Evicted, out.Bytes, out.Entries, out.TooBig, out.Stored = st.Evicted, st.Bytes, st.Entries, st.RefusedTooBig, st.Stored
	return out, nil
}

// player sends the uses of one trace.
type player struct {
	s   *Store
	out *Simulation
	w   KeyWriter
}

func (p *player) play(ctx context.Context, u *Use, now int64) {
	p.out.Uses++
	p.w.Reset()
	p.w.Uint(1, u.Key)
	k := p.w.Sum()
	e, state := p.s.Get(&k, now)
	if state == Fresh {
		p.hit(e)
		return
	}
	before := p.s.stats.missExpired.Load()
	r := p.s.Lookup(ctx, &k, now, Wait{Missed: state == Miss})
	switch {
	case r.State == Fresh:
		p.hit(r.Entry)
		if r.Fill != nil {
			p.out.Refreshes++
		}
	case p.s.stats.missExpired.Load() != before:
		p.out.Expired++
	default:
		p.out.Absent++
	}
	if r.Fill != nil {
		r.Fill.Complete(&Draft{
			TTL: u.TTL, FetchMicros: u.FetchMicros, Worth: u.Worth, Tags: fewTags{},
			unkept: int(min(max(u.Bytes, 0), math.MaxInt32)),
		}, now)
	}
}

func (p *player) hit(e *Entry) {
	p.out.Hits++
	p.out.SavedMicros += uint64(e.FetchMicros)
	p.out.SavedPico += e.Worth
}

// fewTags stands for the tags of an answer; their bytes are among the answer's.
type fewTags struct{}

func (fewTags) Len() int      { return tagsOfUse }
func (fewTags) At(int) []byte { return nil }

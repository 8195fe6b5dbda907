package execute

import (
	"bytes"
	"math"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/planner"
)

// Freshness is for how long other caches may keep an answer: the least of what its parts allow. The zero Freshness: not at all.
type Freshness struct {
	TTL     time.Duration
	Private bool // only for who asked
}

// unbounded is the time of an answer without parts.
const unbounded = time.Duration(math.MaxInt64)

func (f *Freshness) bound(d time.Duration) { f.TTL = min(f.TTL, max(0, d)) }

// fresh gathers what the parts of an answer allow, and their tags, where that is asked for.
type fresh struct {
	Freshness
	news  uint64 // when it began
	known table  // of tags that were told
}

func (r *run) beginFresh() {
	r.fresh.Freshness = Freshness{}
	if r.q.Tags != nil {
		r.q.Tags.Reset()
		r.fresh.known.reset()
	}
	if r.keeps && r.q.Fresh {
		r.fresh.TTL, r.fresh.news = unbounded, r.e.news()
	}
}

// freshness is that of the answer. One with errors, or without a part that says something, is nobody's to keep.
func (r *run) freshness() Freshness {
	if len(r.errors) > 0 || r.fresh.TTL <= 0 || r.fresh.TTL == unbounded {
		return Freshness{}
	}
	return r.fresh.Freshness
}

// unsought is for an answer of which nothing was looked for in the cache: what is not kept for anybody may be one client's own.
func (r *run) unsought(step *planner.FetchStep, c *fetchCall) {
	if !r.keeps || !r.q.Fresh {
		return
	}
	ttl, private := r.e.keeper.life(step.Subgraph, c.call.Head())
	if !private {
		ttl = 0
	}
	r.fresh.Private = r.fresh.Private || private
	r.fresh.bound(ttl)
}

// tagList is a list of names.
type tagList interface {
	Len() int
	At(i int) []byte
}

// mention makes tags those of the answer, each once.
func (r *run) mention(tags tagList) {
	all := r.q.Tags
	if all == nil {
		return
	}
	for i := range tags.Len() {
		tag := tags.At(i)
		if _, known := r.fresh.known.find(xxh3.Hash(tag), func(n int32) bool { return bytes.Equal(all.At(int(n)), tag) }); !known {
			all.Append(tag)
		}
	}
}

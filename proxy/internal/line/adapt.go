package line

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/weirproxy/weir/proxy/internal/adapt"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// compare notes whether a refresh found another answer than the one before.
func (l *Line) compare(x *Exchange, it *Item, body []byte, now int64) {
	if it.prior == nil || x.Policy.Cache.Adaptive.Mode == policy.Off {
		return
	}
	changed := !bytes.Equal(it.prior.Body, body)
	l.rates.Saw(it.rateClass(), changed, time.Duration(now-it.prior.Created))
	if changed {
		l.stats.changed.Add(1)
	} else {
		l.stats.unchanged.Add(1)
	}
}

// rateClass is the operation: what changes at one rate, with all variables taken together.
func (it *Item) rateClass() uint64 {
	h := operationHash(it.Plan)
	return binary.LittleEndian.Uint64(h[:])
}

// adapt makes the fresh time as short as the answers' changes or the key's demand ask for, never longer. In mode observe it only counts.
func (l *Line) adapt(life *lifetime, x *Exchange, it *Item, now int64) {
	a := &x.Policy.Cache.Adaptive
	if a.Mode == policy.Off || life.ttl <= 0 {
		return
	}
	to, why := life.ttl, life.why
	if d, ok := adapt.TTL(l.rates.PerSecond(it.rateClass()), a.Probability); ok && a.ByChange && max(d, a.MinTTL) < to {
		to, why = max(d, a.MinTTL), sourceAdaptive
	}
	if len(a.Views) > 0 {
		if d := a.ByViews(l.views.Of((*[32]byte)(&it.key), a.Window, now)); d < to {
			to, why = d, sourcePopular
		}
	}
	if to >= life.ttl {
		return
	}
	l.stats.adapted[a.Mode].Add(1)
	if a.Mode == policy.Enforce {
		life.bound(to, why)
		life.ahead = to / aheadShare
	}
}

// aheadShare is the part of a shortened life, its last, in which the first who asks has the entry refreshed: whatever is in demand is renewed
// before it ends, so that a shorter life does not cost hits.
const aheadShare = 5

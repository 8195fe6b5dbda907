package tombstone

import (
	"math"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// never is when a slot was softly invalidated that was not.
const never = math.MaxInt64

// LogTime says what time it is by the log, unix ms, at unix ns now: what is read long after it was written was said then.
func (c *Clock) LogTime(ms uint64, now int64) { c.ahead.Store(now - int64(ms)*int64(time.Millisecond)) }

// softened is when the first soft invalidation of a slot came, unix ns. Of several of one name the last is known: what this process holds is
// looked at soon after each of them, and remembers the first.
func (c *Clock) softened(s *entry.Slot, checked uint64, st *State) int64 {
	since := int64(never)
	if l := &st.softFloor; !l.covers(checked, s.AsOf) {
		since = c.moment(l, s)
	}
	if c.soft.count.Load() != 0 {
		for _, h := range s.Hashes {
			if l, ok := c.soft.covers(h, checked, s.AsOf); !ok {
				since = min(since, c.moment(&l, s))
			}
		}
	}
	ps := *c.prefixes.Load()
	for i := len(ps) - 1; i >= 0 && ps[i].seq > checked; i-- {
		if p := &ps[i]; p.soft && p.concerns(s, checked) {
			since = min(since, c.moment(&p.level, s))
		}
	}
	return since
}

// moment is when an invalidation that concerns a slot came, unix ns: by the log, or when it was applied here if that was earlier or the log
// has no place for it yet. It lies not before the fill began, and not after now.
func (c *Clock) moment(l *level, s *entry.Slot) int64 {
	began := s.Created - int64(s.FetchMicros)*1000
	if c.time == nil {
		return began
	}
	now := c.time()
	at := now
	if ago := int32(tickOf(now) - l.at); ago > 0 { // else the clock was set back
		at = (now>>tickShift - int64(ago)) << tickShift
	}
	if s.AsOf.Less(l.pos) {
		at = min(at, int64(l.pos.MS)*int64(time.Millisecond)+c.ahead.Load())
	}
	return min(now, max(began, at))
}

package tombstone

import (
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// The stale time of a slot begins when the invalidation of it was applied, whatever it was that named it, and whether its position is known.
func TestSoftenedSinceItWasApplied(t *testing.T) {
	const second = int64(time.Second)
	start := int64(1_800_000_000) * second
	at := func(seconds int64) entry.Position { return entry.Position{MS: uint64(start/1e6 + 1000*seconds)} }
	pos := at(3601) // a second after the start, by a clock that is an hour ahead
	soft := func(tags ...string) *Names { return &Names{Tags: tags, Soft: true} }
	tick := func(now *int64) { *now += second }
	for _, c := range []struct {
		name string
		do   func(c *Clock, now *int64)
		want int64 // seconds after the start
	}{
		{"by its tag", func(c *Clock, now *int64) { tick(now); c.Apply(soft("a", "x"), pos) }, 1},
		{"with no place in the log yet", func(c *Clock, now *int64) { tick(now); c.Provisional(soft("x")) }, 1},
		{"with a place that came later", func(c *Clock, now *int64) {
			tick(now)
			c.Provisional(soft("x"))
			tick(now)
			c.Resolve(soft("x"), pos)
		}, 1},
		{"by its prefix", func(c *Clock, now *int64) { tick(now); c.Apply(&Names{Prefixes: []string{"x"}, Soft: true}, pos) }, 1},
		{"by a pattern", func(c *Clock, now *int64) { tick(now); c.Apply(&Names{Patterns: []string{"*x"}, Soft: true}, pos) }, 1},
		{"with everything", func(c *Clock, now *int64) { tick(now); c.Apply(&Names{All: true, Soft: true}, pos) }, 1},
		{"by the first of several", func(c *Clock, now *int64) {
			tick(now)
			c.Apply(&Names{Prefixes: []string{"x"}, Soft: true}, pos)
			tick(now)
			c.Apply(soft("b"), pos)
			tick(now)
			c.Apply(soft("x"), pos)
		}, 1},
		{"by what was forgotten", func(c *Clock, now *int64) {
			tick(now)
			c.Apply(soft("x"), pos)
			tick(now)
			c.Expire(pos.Next())
		}, 1},
		{"when the clock was set back since", func(c *Clock, now *int64) { tick(now); c.Apply(soft("x"), pos); *now -= 3600 * second }, -3599},
		{"when the clock was set forward since", func(c *Clock, now *int64) { tick(now); c.Apply(soft("x"), pos); *now += 3600 * second }, 1},
		{"by a record that is read late", func(c *Clock, now *int64) {
			*now += 20 * second
			c.LogTime(uint64(start/1e6+3620_000), *now)
			c.Apply(soft("x"), at(3602))
		}, 2},
		{"by a record of before its fill", func(c *Clock, now *int64) {
			*now += 20 * second
			c.LogTime(uint64(start/1e6+3620_000), *now)
			c.Apply(soft("x"), at(3595))
		}, -1},
		{"before the slot, by its clock", func(c *Clock, now *int64) { *now -= 30 * second; c.Apply(soft("x"), pos); *now += 40 * second }, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := start
			k := timed(100, &now)
			k.Restart(1, at(0), at(0))
			k.LogTime(at(3600).MS, now)
			d := entry.Draft{Entry: entry.Entry{Created: start, FetchMicros: 1_000_000, Soft: start + 9000*second, Hard: start + 9010*second}, Tags: tagList{"b", "x"}, Origin: k.Origin()}
			s := entry.Build(&d, k.Hash)
			c.do(k, &now)
			if got := k.Check(s); got != entry.MarkSoft {
				t.Fatalf("flags %d", got)
			}
			if late := start + c.want*second - s.StaleFrom(); late < 0 || late > 20e6 {
				t.Errorf("%v before, want at most 20 ms", time.Duration(late))
			}
			if got := s.End() - s.StaleFrom(); got != 10*second {
				t.Errorf("stale for %v", time.Duration(got))
			}
		})
	}
}

// Two readers may notice different invalidations at once: the earlier one counts.
func TestTheEarliestSoftInvalidationCounts(t *testing.T) {
	s := entry.Build(&entry.Draft{Entry: entry.Entry{Soft: 100, Hard: 110}}, nil)
	for _, c := range []struct{ at, want int64 }{{200, 100}, {50, 50}, {70, 50}, {40, 40}} {
		if s.Soften(c.at); s.StaleFrom() != c.want || s.End() != c.want+10 {
			t.Errorf("softened at %d: stale from %d to %d", c.at, s.StaleFrom(), s.End())
		}
	}
}

package tombstone

import (
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// timed is a clock that stands at *now.
func timed(limit int, now *int64) *Clock {
	c := New(limit, 7)
	c.Time(func() int64 { return *now })
	return c
}

func TestRecentTellsWhatWasInvalidatedAMomentAgo(t *testing.T) {
	const hold = 2 * time.Second
	at := int64(1_800_000_000_000_000_000)
	pos := entry.Position{MS: 5}
	for _, c := range []struct {
		name string
		do   func(c *Clock)
		want bool
	}{
		{"nothing", func(*Clock) {}, false},
		{"its tag", func(c *Clock) { c.Apply(&Names{Tags: []string{"a", "x"}}, pos) }, true},
		{"its tag, softly", func(c *Clock) { c.Apply(&Names{Tags: []string{"x"}, Soft: true}, pos) }, true},
		{"its tag, here, without a place in the log yet", func(c *Clock) { c.Provisional(&Names{Tags: []string{"x"}}) }, true},
		{"another tag", func(c *Clock) { c.Apply(&Names{Tags: []string{"y"}}, pos) }, false},
		{"its prefix", func(c *Clock) { c.Apply(&Names{Prefixes: []string{"x"}}, pos) }, true},
		{"another prefix", func(c *Clock) { c.Apply(&Names{Prefixes: []string{"y"}}, pos) }, false},
		{"a pattern", func(c *Clock) { c.Apply(&Names{Patterns: []string{"*x"}}, pos) }, true},
		{"everything", func(c *Clock) { c.Apply(&Names{All: true}, pos) }, true},
		{"the first look at the log", func(c *Clock) { c.Restart(1, pos, pos) }, false},
		{"a gap in the log", func(c *Clock) { c.Restart(1, pos, pos); c.Restart(1, pos, pos) }, true},
		{"an empty record", func(c *Clock) { c.Apply(&Names{}, pos) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := at
			k := timed(100, &now)
			c.do(k)
			tags := tagList{"b", "x"}
			for _, m := range []struct {
				after time.Duration
				want  bool
			}{{0, c.want}, {-time.Second, c.want}, {hold - 50*time.Millisecond, c.want}, {hold + 50*time.Millisecond, false}, {-time.Minute, false}} {
				if got := k.Recent(tags, hold, at+int64(m.after)); got != m.want {
					t.Errorf("%s after: %v, want %v", m.after, got, m.want)
				}
			}
		})
	}
}

// An answer may come long after it was asked for: what was invalidated meanwhile hides nothing of before.
func TestRecentBeforeALongFetch(t *testing.T) {
	now := int64(time.Hour)
	c := timed(100, &now)
	c.Apply(&Names{Tags: []string{"x"}}, entry.Position{MS: 1})
	asked := now + int64(time.Second)
	now += int64(time.Minute)
	c.Apply(&Names{Tags: []string{"other"}}, entry.Position{MS: 2})
	if !c.Recent(tagList{"x"}, 2*time.Second, asked) {
		t.Error("hidden by a later one")
	}
}

// What a full table forgets is in the floor: the floor is as recent as what it stands for.
func TestRecentOutlivesAFullTable(t *testing.T) {
	now := int64(time.Hour)
	c := timed(2, &now)
	c.Apply(&Names{Tags: []string{"x"}}, entry.Position{MS: 1})
	for i := range 8 {
		c.Apply(&Names{Tags: []string{string(rune('a' + i))}}, entry.Position{MS: uint64(2 + i)})
	}
	if !c.Recent(tagList{"x"}, time.Second, now) {
		t.Error("forgotten")
	}
	if now += int64(2 * time.Second); c.Recent(tagList{"x"}, time.Second, now) {
		t.Error("remembered for ever")
	}
}

func TestSoftInvalidationKillsWhatMayNeverBeStale(t *testing.T) {
	for _, c := range []struct {
		name string
		e    entry.Entry
		want uint64
	}{
		{"with stale time", entry.Entry{Soft: 5, Hard: 9}, entry.MarkSoft},
		{"must-revalidate", entry.Entry{Soft: 5, Hard: 5}, entry.MarkDead | entry.MarkSoft},
		{"private", entry.Entry{Soft: 5, Hard: 9, Private: true}, entry.MarkDead | entry.MarkSoft},
	} {
		k := New(100, 7)
		s := entry.Build(&entry.Draft{Entry: c.e, Tags: tagList{"x"}, Origin: k.Origin()}, k.Hash)
		k.Apply(&Names{Tags: []string{"x"}, Soft: true}, entry.Position{MS: 1})
		if got := k.Check(s); got != c.want {
			t.Errorf("%s: flags %d, want %d", c.name, got, c.want)
		}
	}
}

func BenchmarkRecentWithoutNews(b *testing.B) {
	now := int64(time.Hour)
	c := timed(100, &now)
	c.Apply(&Names{Tags: []string{"x"}}, entry.Position{MS: 1})
	tags := tagList{"a", "b", "c", "d"}
	for b.Loop() {
		c.Recent(&tags, time.Second, now+int64(time.Minute))
	}
}

func BenchmarkRecentWithNews(b *testing.B) {
	now := int64(time.Hour)
	c := timed(100, &now)
	c.Apply(&Names{Tags: []string{"x"}}, entry.Position{MS: 1})
	tags := tagList{"a", "b", "c", "d"}
	for b.Loop() {
		c.Recent(&tags, time.Second, now)
	}
}

package tombstone

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// model is the naive clock: it remembers every invalidation and every gap, in the order in which they came to count here.
type model struct {
	events  []event
	epoch   uint64
	expired entry.Position // of this epoch; what is older may be refused
}

type event struct {
	names Names
	pos   entry.Position
	epoch uint64
	open  bool // provisional
	gap   bool // a restart: everything older than pos
	void  bool // ended without a position: a later event stands for it
}

// sample is a slot and what the model knows of its fill.
type sample struct {
	slot  *entry.Slot
	began int // events when it began; -1: filled by another process
	seen  int // events when it was found valid last
	dead  bool
	soft  bool
	adds  int // names raised when it came
}

func (n *Names) hits(tags []string) bool {
	if n.All {
		return true
	}
	for _, tag := range tags {
		for _, t := range n.Tags {
			if t == tag {
				return true
			}
		}
		for _, p := range n.Prefixes {
			if strings.HasPrefix(tag, p) {
				return true
			}
		}
		for _, p := range n.Patterns {
			if ok, _ := path.Match(p, tag); ok {
				return true
			}
		}
	}
	return false
}

func tagsOf(s *entry.Slot) (out []string) {
	for i := range s.Tags.Len() {
		out = append(out, string(s.Tags.At(i)))
	}
	return out
}

// judge updates what must be true of a sample: dead, or at least stale.
func (m *model) judge(s *sample) {
	if s.slot.Epoch != m.epoch {
		s.dead = true
	}
	tags := tagsOf(s.slot)
	for i := range m.events {
		e := &m.events[i]
		if i < s.began || i < s.seen && !e.open || e.epoch != m.epoch && !e.open || !e.gap && !e.names.hits(tags) {
			continue
		}
		if s.began < 0 && i < s.seen {
			continue
		}
		older := s.slot.AsOf.Less(e.pos) || e.open
		if s.began >= 0 && !e.gap {
			older = true // it counted here after the fill began
		}
		if e.void || !older {
			continue
		}
		if e.names.Soft && !s.slot.Private && s.slot.Soft < s.slot.Hard {
			s.soft = true
		} else {
			s.dead = true
		}
	}
	s.seen = len(m.events)
}

type world struct {
	t       *rapid.T
	clock   *Clock
	model   model
	head    entry.Position // of the log
	pending []int          // events
	samples []*sample
	limit   int
	adds    int
	peak    int // most names that were pending at once: they cannot be forgotten
	strict  int
	checks  int
}

type tagList []string

func (l tagList) Len() int        { return len(l) }
func (l tagList) At(i int) []byte { return []byte(l[i]) }

func (w *world) tag(label string) string {
	return fmt.Sprintf("%c:%d", 'a'+rapid.IntRange(0, 3).Draw(w.t, label), rapid.IntRange(0, 12).Draw(w.t, label))
}

func (w *world) names() Names {
	n := Names{Soft: rapid.IntRange(0, 3).Draw(w.t, "soft") == 0}
	switch rapid.IntRange(0, 13).Draw(w.t, "kind") {
	case 0:
		n.All = true
	case 1, 2:
		n.Prefixes = []string{w.tag("prefix")[:rapid.IntRange(1, 3).Draw(w.t, "length")]}
	case 3:
		n.Patterns = []string{w.tag("pattern")[:1] + "*" + strconv.Itoa(rapid.IntRange(0, 12).Draw(w.t, "end"))}
	default:
		for range rapid.IntRange(1, 3).Draw(w.t, "count") {
			n.Tags = append(n.Tags, w.tag("tag"))
		}
	}
	w.adds += len(n.Tags)
	return n
}

func (w *world) next() entry.Position {
	w.head = entry.Position{MS: w.head.MS + uint64(rapid.IntRange(0, 2).Draw(w.t, "ms")), Seq: w.head.Seq + 1}
	return w.head
}

func (w *world) add(e event) {
	e.epoch = w.model.epoch
	w.model.events = append(w.model.events, e)
}

func (w *world) apply() {
	n, pos := w.names(), w.next()
	w.clock.Apply(&n, pos)
	w.add(event{names: n, pos: pos})
}

func (w *world) provisional() {
	n := w.names()
	w.clock.Provisional(&n)
	w.pending = append(w.pending, len(w.model.events))
	w.add(event{names: n, open: true})
	waiting := 0
	for _, i := range w.pending {
		waiting += len(w.model.events[i].names.Tags)
	}
	w.peak = max(w.peak, waiting)
}

func (w *world) resolve() {
	if len(w.pending) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.pending)-1).Draw(w.t, "which")
	e := &w.model.events[w.pending[i]]
	w.pending = append(w.pending[:i:i], w.pending[i+1:]...)
	e.open, e.pos, e.epoch = false, w.next(), w.model.epoch
	w.clock.Resolve(&e.names, e.pos)
	w.clock.Advance(e.pos)
}

// merge is what the journal does when too much waits.
func (w *world) merge() {
	if len(w.pending) == 0 {
		return
	}
	all := Names{All: true, Soft: true}
	for _, i := range w.pending {
		all.Soft = all.Soft && w.model.events[i].names.Soft
	}
	w.clock.Provisional(&all)
	for _, i := range w.pending {
		e := &w.model.events[i]
		w.clock.Resolve(&e.names, entry.Position{})
		e.open, e.void = false, true
	}
	w.pending = []int{len(w.model.events)}
	w.add(event{names: all, open: true})
}

func (w *world) restart() {
	pos := w.next()
	if rapid.IntRange(0, 2).Draw(w.t, "log") == 0 {
		w.model.epoch++
		w.model.expired = entry.Position{}
		if rapid.Bool().Draw(w.t, "counts from the beginning") {
			w.head = entry.Position{}
			pos = w.next()
		}
	}
	w.clock.Restart(w.model.epoch, pos, pos)
	w.add(event{pos: pos, gap: true})
}

func (w *world) expire() {
	pos := w.head
	pos.MS -= min(pos.MS, uint64(rapid.IntRange(0, 6).Draw(w.t, "age")))
	w.clock.Expire(pos)
	w.model.expired = entry.Max(w.model.expired, pos)
}

func (w *world) fill() {
	d := entry.Draft{Entry: entry.Entry{Private: rapid.IntRange(0, 4).Draw(w.t, "private") == 0, Hard: 1}, Origin: w.clock.Origin()}
	if rapid.IntRange(0, 4).Draw(w.t, "never stale") == 0 {
		d.Hard = d.Soft
	}
	s := &sample{began: len(w.model.events), adds: w.adds}
	if rapid.Bool().Draw(w.t, "of another") {
		s.began, d.Origin.Began = -1, 0
		back := uint64(rapid.IntRange(0, 6).Draw(w.t, "behind"))
		d.Origin.AsOf.Seq -= min(back, d.Origin.AsOf.Seq)
		d.Origin.AsOf.MS -= min(back, d.Origin.AsOf.MS)
		if rapid.IntRange(0, 7).Draw(w.t, "other log") == 0 {
			d.Origin.Epoch++
		}
		s.adds = 0
	}
	list := tagList{}
	for range rapid.IntRange(0, 3).Draw(w.t, "tags") {
		list = append(list, w.tag("of"))
	}
	d.Tags = list
	s.slot = entry.Build(&d, w.clock.Hash)
	w.samples = append(w.samples, s)
}

func (w *world) check() {
	for _, s := range w.samples {
		if rapid.IntRange(0, 3).Draw(w.t, "look") == 0 {
			continue
		}
		w.model.judge(s)
		got := w.clock.Check(s.slot)
		dead, soft := got&entry.MarkDead != 0, got&(entry.MarkSoft|entry.MarkDead) != 0
		if s.dead && !dead || s.soft && !soft {
			w.t.Fatalf("passed: flags %d, the model says dead %v soft %v; slot %v %v tags %v\nevents %+v", got, s.dead, s.soft, s.slot.AsOf,
				s.began, tagsOf(s.slot), w.model.events)
		}
		w.checks++
		if dead && !s.dead || soft && !s.soft && !s.dead {
			w.needless(s)
		}
		s.dead, s.soft = s.dead || dead, s.soft || soft // final
	}
}

// needless may only be what is older than what the clock remembers.
func (w *world) needless(s *sample) {
	w.strict++
	old := s.slot.AsOf.Less(w.model.expired)
	if !old && w.adds-s.adds < w.limit-w.peak {
		w.t.Fatalf("refused without need: asOf %v began %d tags %v, %d names since, limit %d, expired %v\nevents %+v", s.slot.AsOf, s.began,
			tagsOf(s.slot), w.adds-s.adds, w.limit, w.model.expired, w.model.events)
	}
}

func TestNothingTheModelCallsInvalidIsPassed(t *testing.T) {
	for _, limit := range []int{1, 4, 16, 100_000} {
		t.Run(fmt.Sprint("names ", limit), func(t *testing.T) {
			checks, strict := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				w := &world{t: t, clock: New(limit, 7), limit: limit, model: model{epoch: 1}}
				first := w.next()
				w.clock.Restart(1, first, first)
				w.add(event{pos: first, gap: true})
				actions := []func(){
					w.apply, w.apply, w.provisional, w.resolve, w.fill, w.fill, w.check, w.check, w.apply, w.fill, w.resolve, w.merge, w.expire, w.restart,
				}
				for range rapid.IntRange(5, 150).Draw(t, "steps") {
					actions[rapid.IntRange(0, len(actions)-1).Draw(t, "action")]()
				}
				w.check()
				checks, strict = checks+w.checks, strict+w.strict
			})
			t.Logf("%d of %d checks needlessly strict", strict, checks)
			if checks == 0 || limit > 1000 && strict*20 > checks {
				t.Fatalf("%d of %d checks needlessly strict", strict, checks)
			}
		})
	}
}

package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/journal"
)

// memoryLog is a log in memory with the behaviour of the real one, and with its accidents.
type memoryLog struct {
	records []journal.Record
	epoch   uint64 // 0: the name of the generation is gone
	epochs  uint64
	ms      uint64
}

func (l *memoryLog) add(r journal.Record) entry.Position {
	r.Position = entry.Position{MS: l.ms}
	if n := len(l.records); n > 0 && !l.records[n-1].Position.Less(r.Position) {
		r.Position = l.records[n-1].Position.Next()
	}
	l.records = append(l.records, r)
	return r.Position
}

// lose empties the log as a server does that starts without its data, its clock set back.
func (l *memoryLog) lose(back uint64) {
	l.records, l.epoch = nil, 0
	l.ms -= min(back, l.ms-1)
}

// port is one store's connection to the log.
type port struct {
	log     *memoryLog
	down    bool
	noReply bool // what is appended arrives, the answer does not
	partial bool // only the first of what is appended arrives
	logged  func([]journal.Record)
}

var errPort = errors.New("the log cannot be reached")

func (p *port) Sync(_ context.Context, from entry.Position, limit int, retention time.Duration) (journal.Page, error) {
	if p.down {
		return journal.Page{}, errPort
	}
	l := p.log
	last := len(l.records) - 1
	if l.epoch == 0 || last < 0 || l.records[last].Position.Less(from) {
		l.epochs++
		l.epoch = l.epochs
		l.add(journal.ParseFields(entry.Position{}, []string{"a", "1"}))
	}
	start := 0
	for i, r := range l.records {
		old := from.IsZero() && r.Position.MS+uint64(retention/time.Millisecond) <= l.ms
		if old || r.Position.Less(from) {
			start = i
			if !old {
				start++
			}
		}
	}
	page := journal.Page{Epoch: l.epoch, Head: l.records[len(l.records)-1].Position, TimeMS: l.ms}
	page.Records = append(page.Records, l.records[start:min(len(l.records), start+limit)]...)
	page.Whole = from.IsZero() || len(page.Records) > 0 && page.Records[0].Position == from
	return page, nil
}

func (p *port) Append(_ context.Context, rs []journal.Record) (list []entry.Position, err error) {
	if p.down {
		return nil, errPort
	}
	if p.partial && len(rs) > 1 {
		rs, err = rs[:1], errPort
	}
	for _, r := range rs {
		list = append(list, p.log.add(journal.ParseFields(entry.Position{}, r.AppendFields(nil))))
	}
	p.logged(rs)
	if p.noReply {
		return nil, errPort
	}
	return list, err
}

func (p *port) Await(context.Context, entry.Position, time.Duration) error { return nil }

// told is an invalidation as the model sees it.
type told struct {
	at     int
	inv    Invalidation
	author *member
	logged bool
}

// String is for rapid's log.
func (m *member) String() string { return m.name }

type member struct {
	name  string
	store *Store
	port  *port
	fills []*modelFill
	told  []*told // since it was started
	obeys map[*told]bool
}

type modelFill struct {
	fill  *Fill
	key   string
	began int
}

// world is a fleet, its log and its shared tier, and what the model knows about them.
type world struct {
	now     int64
	tick    int
	log     memoryLog
	members []*member
	all     []*told
	shared  map[Key][]byte
	private map[string]bool
	boots   int
}

var modelKeys = map[string][]string{"one": {"a", "ab"}, "two": {"b"}, "three": {"a", "b", "list"}, "none": nil, "long": {"abc", "x", "list"}}

func (w *world) boot(t *rapid.T, m *member) {
	w.boots++
	s, err := Open(Config{MaxTombstones: 16, MaxBytes: 128 << 10, EarlyRefresh: -1, DisconnectedAfter: 10_000 * time.Hour, Now: func() int64 { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	m.port = &port{log: &w.log}
	m.port.logged = func(rs []journal.Record) { w.logged(m, rs) }
	s.journal = journal.New(journal.Config{
		Source: m.port, Clock: s.clock, Author: fmt.Sprint(m.name, w.boots), Queue: 4, QueueTags: 64, Join: 30, Retention: s.cfg.Retention,
		Lost: 1 << 60, Now: s.cfg.Now, Logger: s.cfg.Logger,
	})
	m.store, m.fills, m.obeys, m.told = s, nil, map[*told]bool{}, nil
}

// logged marks what the log now has. Records arrive in the order in which they were told; one that stands for several has the number of the
// last.
func (w *world) logged(m *member, rs []journal.Record) {
	for _, r := range rs {
		for _, x := range m.told[:min(int(r.Number), len(m.told))] {
			x.logged = true
		}
	}
}

func matches(inv *Invalidation, tags []string) bool {
	for _, tag := range tags {
		for _, x := range inv.Tags {
			if x == tag {
				return true
			}
		}
		for _, x := range inv.Prefixes {
			if strings.HasPrefix(tag, x) {
				return true
			}
		}
	}
	return inv.All
}

// served fails when a member serves what it has been told is no longer true.
func (w *world) served(t *rapid.T, m *member, key string, e *Entry, state State) {
	if e == nil || state == Miss {
		return
	}
	began, _ := strconv.Atoi(string(e.Body))
	for x := range m.obeys {
		if x.at <= began || !matches(&x.inv, modelKeys[key]) {
			continue
		}
		if !x.inv.Soft || e.Private || state == Fresh {
			t.Fatalf("%s serves %s (%v) of step %d, invalidated in step %d: %+v by %s", m.name, key, state, began, x.at, x.inv, x.author.name)
		}
	}
}

func (w *world) caughtUp(m *member) {
	if m.store.journal.CatchUp(context.Background()) != nil {
		return
	}
	for _, x := range w.all {
		if x.logged {
			m.obeys[x] = true
		}
	}
}

// flush appends once, and repeats what failed in the model's order.
func (w *world) flush(m *member) { _, _ = m.store.journal.Flush(context.Background()) }

// share reads the shared tier as Lookup does.
func (w *world) share(t *rapid.T, m *member, key string) {
	v, ok := w.shared[*keyOf(key)]
	if !ok || m.store.clock.State().Epoch == 0 {
		return
	}
	slot, err := codec.Decode(v, keyOf(key), m.store.clock.Hash)
	if err != nil {
		t.Fatal(err)
	}
	switch m.store.judge(slot, w.now) {
	case fresh:
		w.served(t, m, key, &slot.Entry, Fresh)
		m.store.memory.Put(slot, false)
	case stale:
		w.served(t, m, key, &slot.Entry, Stale)
	}
}

func (w *world) complete(m *member, f *modelFill) {
	d := &Draft{Body: []byte(strconv.Itoa(f.began)), TTL: time.Hour, StaleFor: time.Hour, Tags: names(modelKeys[f.key]), Private: w.private[f.key]}
	if f.fill.Complete(d, w.now) == nil {
		return
	}
	if slot := m.store.memory.Get(keyOf(f.key)); slot != nil && slot.Epoch != 0 {
		w.shared[slot.Digest] = codec.Append(nil, slot)
	}
}

func TestNothingOlderThanAnObeyedInvalidationIsServed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: t0, shared: map[Key][]byte{}, private: map[string]bool{"three": rapid.Bool().Draw(t, "three is private")}}
		w.log.ms = uint64(t0 / 1e6)
		for _, name := range []string{"A", "B", "C"} {
			m := &member{name: name}
			w.boot(t, m)
			w.members = append(w.members, m)
		}
		defer func() {
			for _, m := range w.members {
				_ = m.store.Close()
			}
		}()
		if rapid.Bool().Draw(t, "begin in step") {
			for _, m := range w.members {
				w.caughtUp(m)
			}
		}
		w.run(t)
		w.settles(t)
	})
}

func (w *world) actions() []action {
	who := func(t *rapid.T) *member { return rapid.SampledFrom(w.members).Draw(t, "member") }
	which := func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"one", "two", "three", "three", "none", "long"}).Draw(t, "key")
	}
	look := func(t *rapid.T, m *member, key string) {
		if rapid.Bool().Draw(t, "shared first") {
			w.share(t, m, key)
		}
		if e, state := m.store.Get(keyOf(key), w.now); state != Miss {
			w.served(t, m, key, e, state)
			if state == Fresh {
				return
			}
		}
		w.share(t, m, key)
		r := m.store.Lookup(context.Background(), keyOf(key), w.now, Wait{})
		w.served(t, m, key, r.Entry, r.State)
		if r.Fill != nil {
			m.fills = append(m.fills, &modelFill{fill: r.Fill, key: key, began: w.tick})
		}
	}
	end := func(t *rapid.T, f func(*member, *modelFill)) {
		m := who(t)
		if len(m.fills) == 0 {
			return
		}
		i := rapid.IntRange(0, len(m.fills)-1).Draw(t, "fill")
		f(m, m.fills[i])
		m.fills = append(m.fills[:i], m.fills[i+1:]...)
	}
	invalidate := func(t *rapid.T) {
		m, list := who(t), rapid.SampledFrom([]string{"a", "ab", "abc", "b", "list", "unknown"})
		x := &told{at: w.tick, author: m, inv: Invalidation{Soft: rapid.Bool().Draw(t, "soft")}}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			x.inv.All = true
		case 1, 2:
			x.inv.Prefixes = []string{rapid.SampledFrom([]string{"a", "ab", "l", "u", ""}).Draw(t, "prefix")}
		case 3:
			for range 20 {
				x.inv.Tags = append(x.inv.Tags, fmt.Sprint("many", w.tick, len(x.inv.Tags)))
			}
		default:
			x.inv.Tags = rapid.SliceOfN(list, 1, 3).Draw(t, "tags")
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // does not wait
		_, _ = m.store.Invalidate(ctx, x.inv, w.now)
		w.all, m.told, m.obeys[x] = append(w.all, x), append(m.told, x), true
	}
	sync := func() {
		for _, m := range w.members {
			w.flush(m)
		}
		for _, m := range w.members {
			w.caughtUp(m)
		}
	}
	return []action{
		{6, func(t *rapid.T) { look(t, who(t), which(t)) }},
		{6, func(t *rapid.T) { // a quick fill
			m, before := who(t), w.tick
			n := len(m.fills)
			look(t, m, which(t))
			if len(m.fills) > n && w.tick == before {
				w.complete(m, m.fills[n])
				m.fills = m.fills[:n]
			}
		}},
		{4, func(t *rapid.T) { end(t, w.complete) }},
		{1, func(t *rapid.T) { end(t, func(_ *member, f *modelFill) { f.fill.Abandon(0) }) }},
		{5, invalidate},
		{4, func(t *rapid.T) { w.flush(who(t)) }},
		{4, func(t *rapid.T) { w.caughtUp(who(t)) }},
		{2, func(*rapid.T) { sync() }},
		{3, func(t *rapid.T) { // evict
			m := who(t)
			for key := range modelKeys {
				if slot := m.store.memory.Get(keyOf(key)); slot != nil {
					m.store.memory.Delete(slot)
				}
			}
		}},
		{1, func(t *rapid.T) { // the connection gets better or worse
			p := who(t).port
			p.down, p.noReply, p.partial = rare(t, "down", 3), rare(t, "no reply", 3), rare(t, "partial", 3)
		}},
		{1, func(t *rapid.T) {
			if rare(t, "log loses", 2) {
				w.log.lose(rapid.SampledFrom([]uint64{0, 10, 3_600_000}).Draw(t, "clock back"))
			}
		}},
		{1, func(t *rapid.T) {
			if n := len(w.log.records); n > 1 {
				w.log.records = w.log.records[rapid.IntRange(1, n-1).Draw(t, "records trimmed"):]
			}
		}},
		{1, func(t *rapid.T) { // restart
			m := who(t)
			_ = m.store.Close()
			w.boot(t, m)
		}},
		{1, func(t *rapid.T) { // time passes
			d := rapid.SampledFrom([]time.Duration{time.Millisecond, time.Millisecond, time.Second, time.Second, 20 * time.Minute, 25 * time.Hour})
			w.pass(d.Draw(t, "passes"))
		}},
	}
}

// action is something that may happen next, with its weight.
type action struct {
	weight int
	do     func(*rapid.T)
}

func rare(t *rapid.T, what string, n int) bool { return rapid.IntRange(1, n).Draw(t, what) == n }

func (w *world) pass(d time.Duration) {
	w.now += int64(d)
	w.log.ms += uint64(d / time.Millisecond)
}

func (w *world) run(t *rapid.T) {
	var choice []action
	for _, a := range w.actions() {
		for range a.weight {
			choice = append(choice, a)
		}
	}
	for range rapid.IntRange(10, 150).Draw(t, "steps") {
		w.tick++
		choice[rapid.IntRange(0, len(choice)-1).Draw(t, "action")].do(t)
	}
}

// settles checks that the fleet is a cache again when all is well: what one fills another serves.
func (w *world) settles(t *rapid.T) {
	for range 3 {
		for _, m := range w.members {
			m.port.down, m.port.noReply, m.port.partial = false, false, false
			for n := 1; n > 0; {
				n, _ = m.store.journal.Flush(context.Background())
			}
		}
		for _, m := range w.members {
			w.caughtUp(m)
		}
	}
	w.now += int64(26 * time.Hour) // no flight of before counts
	for key := range modelKeys {
		w.tick++
		a, b := w.members[0], w.members[1]
		r := a.store.Lookup(context.Background(), keyOf(key), w.now, Wait{})
		if r.Fill == nil {
			t.Fatalf("no fill: %+v", r)
		}
		w.complete(a, &modelFill{fill: r.Fill, key: key, began: w.tick})
		for _, m := range []*member{a, b} {
			w.share(t, m, key)
			if _, state := m.store.Get(keyOf(key), w.now); state != Fresh {
				t.Fatalf("%s: %s is %v after all has settled: a %+v, b %+v, %+v", m.name, key, state, a.store.clock.State(), b.store.clock.State(), r.Fill.origin)
			}
		}
	}
}

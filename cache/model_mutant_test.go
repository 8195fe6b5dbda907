package cache

import (
	"context"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/journal"
)

// mutant breaks one rule of the as-of design from outside the store: through its log, its shared tier, its configuration, or a fill under way.
type mutant struct {
	name     string
	schedule string // that misses the rule; "": it is searched for
	config   func(*Config)
	source   func(journal.Source) journal.Source
	tier     func(*Store) tier
	complete func(*Fill)
	leases   func(leaser) leaser
	pace     func(pace) pace
	hasty    bool // the hold-off is not kept
}

// pages changes what is read of the log.
type pages struct {
	journal.Source
	change func(from entry.Position, p *journal.Page)
}

func (s *pages) Sync(ctx context.Context, from entry.Position, limit int, retention time.Duration) (journal.Page, error) {
	p, err := s.Source.Sync(ctx, from, limit, retention)
	if err == nil {
		p.Records = append([]journal.Record(nil), p.Records...) // the log keeps its own
		s.change(from, &p)
	}
	return p, err
}

func reading(change func(from entry.Position, p *journal.Page)) func(journal.Source) journal.Source {
	return func(s journal.Source) journal.Source { return &pages{s, change} }
}

func eachRecord(change func(*journal.Record)) func(journal.Source) journal.Source {
	return reading(func(_ entry.Position, p *journal.Page) {
		for i := range p.Records {
			change(&p.Records[i])
		}
	})
}

// forgetful says that it has appended what it has not.
type forgetful struct{ journal.Source }

func (s forgetful) Append(_ context.Context, rs []journal.Record) (list []entry.Position, err error) {
	for i := range rs {
		list = append(list, entry.Position{MS: uint64(t0 / 1e6), Seq: rs[i].Number})
	}
	return list, nil
}

// rooted appends nothing for a second time, and says that it has.
type rooted struct {
	journal.Source
	seen map[*string]uint64 // first name of what was appended
}

func (s rooted) Append(ctx context.Context, rs []journal.Record) (list []entry.Position, err error) {
	for i := range rs {
		if tags := rs[i].Names.Tags; len(tags) > 0 { // the same memory: the same invalidation
			if n, known := s.seen[&tags[0]]; known && n != rs[i].Number {
				list = append(list, entry.Position{})
				continue
			}
			s.seen[&tags[0]] = rs[i].Number
		}
		one, err := s.Source.Append(ctx, rs[i:i+1])
		list = append(list, one...)
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

// restamped is a shared tier whose values are as young as their reader.
type restamped struct {
	tier
	s *Store
}

func (r restamped) Get(ctx context.Context, k *Key, hash func([]byte) uint64) (*entry.Slot, error) {
	slot, err := r.tier.Get(ctx, k, hash)
	if slot == nil || err != nil {
		return slot, err
	}
	d := entry.Draft{Entry: slot.Entry, Tags: slot.Tags, Origin: r.s.clock.Origin()}
	return entry.Build(&d, hash), nil
}

// generous takes every lease for its own.
type generous struct{ leaser }

func (g generous) Lease(ctx context.Context, k *Key, d time.Duration) bool {
	g.leaser.Lease(ctx, k, d)
	return true
}

// impatient never waits.
type impatient struct{ pace }

func (impatient) Sleep(context.Context, time.Duration) bool { return false }

func mutants() []*mutant {
	return []*mutant{
		{name: "the position is taken after the fetch", complete: func(f *Fill) { f.origin = f.s.clock.Origin() }},
		{name: "the epoch alone is taken before the fetch", complete: func(f *Fill) {
			o := f.s.clock.Origin()
			f.origin.AsOf, f.origin.Began = o.AsOf, o.Began
		}},
		{name: "prefixes of others are not obeyed", source: eachRecord(func(r *journal.Record) { r.Names.Prefixes = nil })},
		{name: "patterns of others are not obeyed", source: eachRecord(func(r *journal.Record) { r.Names.Patterns = nil })},
		{name: "the second tag of others is not obeyed", source: eachRecord(func(r *journal.Record) { r.Names.Tags = r.Names.Tags[:min(1, len(r.Names.Tags))] })},
		{name: "everything is not obeyed", source: eachRecord(func(r *journal.Record) { r.Names.All = false })},
		{name: "hard is taken for soft", source: eachRecord(func(r *journal.Record) { r.Names.Soft = true })},
		{name: "soft is not obeyed", source: eachRecord(func(r *journal.Record) {
			if r.Names.Soft {
				r.Names.Tags, r.Names.Prefixes, r.Names.Patterns, r.Names.All = nil, nil, nil, false
			}
		})},
		{name: "no floor after a trim", source: reading(func(_ entry.Position, p *journal.Page) { p.Whole = true })},
		{name: "no flush at a failover", source: reading(func(_ entry.Position, p *journal.Page) {
			p.Epoch, p.Whole = 1, true
			for i := range p.Records { // the record that a new generation begins with
				if r := &p.Records[i]; r.Author == "" {
					r.Names.All = false
				}
			}
		})},
		{name: "the last record of a page is skipped", source: reading(func(_ entry.Position, p *journal.Page) {
			if n := len(p.Records); n > 1 {
				p.Records[n-1].Names.Tags, p.Records[n-1].Names.All = nil, false
			}
		})},
		{name: "what was not appended is acknowledged", source: func(s journal.Source) journal.Source { return forgetful{s} }},
		{
			name: "nothing is carried over to another log", source: func(s journal.Source) journal.Source { return rooted{s, map[*string]uint64{}} },
			schedule: "begin.0.9.3.0 failover.0.3.0.0 catchup.0.0.0.0 quick.0.0.0.0 declare.0.5.0.0 declare.0.5.0.0 declare.0.5.0.0 declare.2.6.0.0 settle.0.0.0.0 move.2.0.0.0 settle.2.0.0.0 settle.0.0.0.0 quick.0.0.0.0",
		},
		{name: "what the fleet shares is not judged", tier: func(s *Store) tier { return restamped{s.shared, s} }},
		{name: "who is cut off answers for ever", config: func(c *Config) { c.DisconnectedTTL = 1000 * time.Hour }},
		{name: "nobody notices that he is cut off", config: func(c *Config) { c.DisconnectedAfter = 1000 * time.Hour }},
		{name: "the hold-off is not kept", hasty: true},
		{name: "a lease is for everybody", leases: func(l leaser) leaser { return generous{l} }},
		{name: "who has no lease does not wait", pace: func(p pace) pace { return impatient{p} }},
		{name: "generations are not told apart", source: reading(func(_ entry.Position, p *journal.Page) { p.Epoch = 7 })},
	}
}

// mutantSteps is how many steps may pass until a broken rule is noticed.
const mutantSteps = 1_000_000

// TestModelFindsEachBrokenRule shows that TestModel can fail: each rule that the schedules are there to protect is broken, and must be missed.
func TestModelFindsEachBrokenRule(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			if m.schedule != "" {
				steps, err := parseSteps(m.schedule)
				if err != nil {
					t.Fatal(err)
				}
				failure, _ := play(steps, m)
				if whole, _ := play(steps, nil); failure == "" || whole != "" {
					t.Fatalf("broken: %q; whole: %q", failure, whole)
				}
				return
			}
			r := search(m, 1, mutantSteps, 0, t.Logf)
			if r.failure == "" {
				t.Fatalf("not noticed in %d steps: %s", r.steps, &r.counts)
			}
			t.Logf("noticed after %d steps; %d are enough: %s", r.steps, len(r.schedule), r.failure)
		})
	}
}

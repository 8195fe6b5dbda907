package journal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("away")

// script is a log whose accidents a test decides.
type script struct {
	mu      sync.Mutex
	epoch   uint64
	records []Record
	ms      uint64
	away    bool
	takes   int    // how many records an append takes; -1: all
	mute    bool   // an append arrives, its answer does not
	between func() // called once, after a page was read and before it is answered
}

func (s *script) add(r Record) entry.Position {
	s.ms++
	r.Position = entry.Position{MS: s.ms}
	s.records = append(s.records, r)
	return r.Position
}

func (s *script) head() entry.Position {
	if len(s.records) == 0 {
		return entry.Position{}
	}
	return s.records[len(s.records)-1].Position
}

func (s *script) Sync(_ context.Context, from entry.Position, limit int, _ time.Duration) (Page, error) {
	s.mu.Lock()
	if s.away {
		s.mu.Unlock()
		return Page{}, errAway
	}
	if s.epoch == 0 || s.head().Less(from) || len(s.records) == 0 {
		s.epoch++
		s.add(Record{Names: tombstone.Names{All: true}})
	}
	p := Page{Epoch: s.epoch, Head: s.head(), TimeMS: s.ms}
	for _, r := range s.records {
		if !r.Position.Less(from) && len(p.Records) < limit {
			p.Records = append(p.Records, r)
		}
	}
	p.Whole = from.IsZero() || len(p.Records) > 0 && p.Records[0].Position == from
	hook := s.between
	s.between = nil
	s.mu.Unlock()
	if hook != nil {
		hook()
	}
	return p, nil
}

func (s *script) Append(_ context.Context, rs []Record) (ps []entry.Position, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errAway
	}
	for i, r := range rs {
		if s.takes >= 0 && i == s.takes {
			return ps, errAway
		}
		ps = append(ps, s.add(r))
	}
	if s.mute {
		return nil, errAway
	}
	return ps, nil
}

func (s *script) Await(ctx context.Context, after entry.Position, d time.Duration) error {
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	end := time.After(d)
	for {
		s.mu.Lock()
		news := after.Less(s.head())
		s.mu.Unlock()
		if news {
			return nil
		}
		select {
		case <-t.C:
		case <-end:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// other appends what another process invalidates.
func (s *script) other(tags ...string) entry.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(Record{Author: "other", Number: 1, Names: tombstone.Names{Tags: tags}})
}

type bench struct {
	t     *testing.T
	log   *script
	clock *tombstone.Clock
	j     *Journal
	now   int64
}

func start(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, log: &script{takes: -1, ms: 1000}, clock: tombstone.New(1000, 3), now: int64(time.Hour)}
	cfg := Config{
		Source: b.log, Clock: b.clock, Author: "me", Queue: 4, QueueTags: 100, Join: 50, Retention: time.Hour, Lost: 2 * time.Second,
		Now: func() int64 { return b.now }, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	b.j = New(cfg)
	return b
}

func (b *bench) catchUp() {
	b.t.Helper()
	if err := b.j.CatchUp(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) flush() (int, error) { return b.j.Flush(context.Background()) }

func (b *bench) invalidate(tags ...string) *Ticket {
	return b.j.Invalidate(&tombstone.Names{Tags: tags}, b.now)
}

type tagList []string

func (l tagList) Len() int        { return len(l) }
func (l tagList) At(i int) []byte { return []byte(l[i]) }

// fill is an entry whose fill begins now; shared is what another process would see of it.
func (b *bench) fill(tags ...string) *entry.Slot {
	return entry.Build(&entry.Draft{Entry: entry.Entry{Hard: 1}, Tags: tagList(tags), Origin: b.clock.Origin()}, b.clock.Hash)
}

func (b *bench) shared(epoch uint64, asOf entry.Position, tags ...string) *entry.Slot {
	return entry.Build(&entry.Draft{Entry: entry.Entry{Hard: 1}, Tags: tagList(tags), Origin: entry.Origin{Epoch: epoch, AsOf: asOf}}, b.clock.Hash)
}

func (b *bench) want(valid bool, what string, s *entry.Slot) {
	b.t.Helper()
	if got := b.clock.Check(s) == 0; got != valid {
		b.t.Fatalf("%s: valid %v, want %v", what, got, valid)
	}
}

func done(t *Ticket) bool {
	select {
	case <-t.Done():
		return true
	default:
		return false
	}
}

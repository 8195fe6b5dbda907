package journal

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

func TestJoiningTrustsNothingOlderThanTheLog(t *testing.T) {
	b := start(t, nil)
	before := b.fill("a")
	first := b.log.other("x")
	second := b.log.other("b")
	b.log.epoch = 1
	b.catchUp()
	b.want(false, "filled before the log was known", before)
	b.want(true, "as of the first record", b.shared(1, first, "a"))
	b.want(false, "older than the first record", b.shared(1, entry.Position{MS: first.MS - 1}, "a"))
	b.want(false, "named by the second record", b.shared(1, first, "b"))
	b.want(true, "as of the second record", b.shared(1, second, "b"))
	b.want(false, "of another generation", b.shared(2, second, "b"))
}

func TestRecordsOfOthersCountOnce(t *testing.T) {
	b := start(t, nil)
	b.catchUp()
	a, c := b.fill("a"), b.fill("c")
	b.log.other("a")
	b.catchUp()
	b.want(false, "named", a)
	b.want(true, "not named", c)
	again := b.fill("a")
	b.catchUp() // reads the last record a second time
	b.want(true, "filled after the record", again)
}

func TestMissingRecordsRaiseTheFloor(t *testing.T) {
	for name, accident := range map[string]func(*bench){
		"trimmed beyond what was read": func(b *bench) {
			b.log.other("x")
			b.log.other("y")
			b.log.records = b.log.records[len(b.log.records)-1:]
		},
		"another generation":       func(b *bench) { b.log.epoch++; b.log.other("x") },
		"emptied":                  func(b *bench) { b.log.records, b.log.epoch = nil, 7 },
		"emptied, clock set back":  func(b *bench) { b.log.records, b.log.epoch, b.log.ms = nil, 7, 10 },
		"ends before what is read": func(b *bench) { b.log.records = b.log.records[:1]; b.log.ms = b.log.records[0].Position.MS },
		"too much to read": func(b *bench) {
			for range 3 * pageRecords {
				b.log.other("x")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, nil)
			b.log.other("1")
			b.log.other("2")
			b.catchUp()
			b.log.other("3")
			b.catchUp()
			local, remote := b.fill("a"), b.shared(b.log.epoch, b.clock.State().Applied, "a")
			b.want(true, "before", local)
			accident(b)
			b.catchUp()
			b.want(false, "filled here before it", local)
			b.want(false, "filled elsewhere before it", remote)
			b.want(true, "filled after it", b.fill("a"))
			if got, want := b.clock.State().Applied, b.log.head(); got != want {
				t.Fatalf("applied up to %v, the log ends at %v", got, want)
			}
			fresh := b.fill("a")
			b.log.other("a")
			b.catchUp()
			b.want(false, "after it the log still counts", fresh)
		})
	}
}

func TestOwnRecordsCountFromWhenTheyWereAskedFor(t *testing.T) {
	b := start(t, nil)
	b.catchUp()
	before := b.fill("a")
	ticket := b.invalidate("a")
	b.want(false, "filled before", before)
	after := b.fill("a")
	b.want(true, "filled after it was asked for", after)
	b.want(false, "filled elsewhere, while its place is not known", b.shared(1, entry.Position{MS: 5000}, "a"))
	if n, err := b.flush(); n != 1 || err != nil || !done(ticket) || ticket.Position() != b.log.head() {
		t.Fatalf("flush: %d %v, position %v", n, err, ticket.Position())
	}
	b.catchUp()
	b.want(true, "filled after it was asked for, now that it was read back", after)
	b.want(true, "filled elsewhere after it", b.shared(1, ticket.Position(), "a"))
	b.want(false, "filled elsewhere before it", b.shared(1, entry.Position{MS: ticket.Position().MS - 1}, "a"))
}

func TestAppendThatFailsIsTriedAgainInOrder(t *testing.T) {
	b := start(t, nil)
	b.catchUp()
	tickets := []*Ticket{b.invalidate("a"), b.invalidate("b"), b.invalidate("c")}
	b.log.away = true
	if n, err := b.flush(); n != 0 || err == nil {
		t.Fatalf("away: %d %v", n, err)
	}
	b.log.away, b.log.takes = false, 1
	if n, err := b.flush(); n != 1 || err == nil || !done(tickets[0]) || done(tickets[1]) {
		t.Fatalf("partly: %d %v", n, err)
	}
	b.log.takes, b.log.mute = -1, true
	if n, err := b.flush(); n != 0 || err == nil {
		t.Fatalf("mute: %d %v", n, err)
	}
	b.catchUp() // reads back what arrived without an answer
	if !done(tickets[1]) || !done(tickets[2]) {
		t.Fatal("what was read back is not in the log?")
	}
	b.log.mute = false
	if n, err := b.flush(); n != 0 || err != nil || b.j.Stats().Queued != 0 {
		t.Fatalf("nothing should wait: %d %v", n, err)
	}
	var got []string
	for _, r := range b.log.records[1:] {
		got = append(got, r.Names.Tags...)
	}
	if len(got) != 3 || got[0] != "a" || got[1] != "b" || got[2] != "c" {
		t.Fatalf("the log has %q", got)
	}
}

func TestTooMuchThatWaitsIsMergedIntoOne(t *testing.T) {
	b := start(t, nil)
	b.catchUp()
	b.log.away = true
	untouched := b.fill("untouched")
	first := b.invalidate("0")
	for range 100_000 {
		b.invalidate("1").Leave()
	}
	b.want(false, "what a merged record names", untouched)
	if s := b.j.Stats(); s.Queued > 4 || s.Merges == 0 {
		t.Fatalf("%+v", s)
	}
	kept := 0
	for i := range b.j.queue.waiting {
		kept += len(b.j.queue.waiting[i].tickets)
	}
	if kept > 10 {
		t.Fatalf("%d tickets are kept that nobody waits for", kept)
	}
	b.log.away = false
	if _, err := b.flush(); err != nil || !done(first) {
		t.Fatalf("the first is not in the log: %v", err)
	}
	b.catchUp()
	all := false
	for _, r := range b.log.records[1:] {
		all = all || r.Names.All
	}
	if !all {
		t.Fatal("no record that names everything")
	}
	b.want(true, "filled elsewhere after all of it", b.shared(1, b.log.head(), "1", "untouched"))
}

func TestMergeOfSoftOnesIsSoft(t *testing.T) {
	b := start(t, nil)
	b.catchUp()
	s := b.fill("s")
	for range 10 {
		b.j.Invalidate(&tombstone.Names{Tags: []string{"x"}, Soft: true}, b.now)
	}
	if got := b.clock.Check(s); got != entry.MarkSoft {
		t.Fatalf("flags %d", got)
	}
	b.j.Invalidate(&tombstone.Names{Tags: []string{"y"}}, b.now)
	for range 10 {
		b.j.Invalidate(&tombstone.Names{Tags: []string{"x"}, Soft: true}, b.now)
	}
	if got := b.clock.Check(s); got&entry.MarkDead == 0 {
		t.Fatalf("a hard one was among them: flags %d", got)
	}
}

// The page that tells of a new generation is on its way when an own invalidation is appended to that generation: its answer comes first.
func TestAppendAnsweredByAGenerationNotYetKnown(t *testing.T) {
	b := start(t, nil)
	b.catchUp()
	b.log.epoch, b.log.records = 7, nil
	b.log.other("something")
	var asOf entry.Position
	b.log.between = func() {
		asOf = b.log.head()
		b.invalidate("a")
		if _, err := b.flush(); err != nil {
			t.Error(err)
		}
	}
	b.catchUp()
	if _, err := b.flush(); err != nil { // it is carried over, for nobody knows which log has it
		t.Fatal(err)
	}
	b.catchUp()
	b.want(false, "filled elsewhere before the invalidation", b.shared(7, asOf, "a"))
	b.want(true, "filled elsewhere after it", b.shared(7, b.log.head(), "a"))
}

func TestContactIsTheTimeBeforeTheReading(t *testing.T) {
	b := start(t, nil)
	b.now = int64(2 * time.Hour)
	b.log.between = func() { b.now += int64(time.Second) }
	b.catchUp()
	if got := b.j.Contact(); got != int64(2*time.Hour) {
		t.Fatalf("contact %v", time.Duration(got))
	}
	b.log.away = true
	b.now += int64(time.Minute)
	if err := b.j.CatchUp(context.Background()); err == nil || b.j.Contact() != int64(2*time.Hour) {
		t.Fatalf("contact moved without contact: %v", err)
	}
}

func TestNothingIsLostAtTheEnd(t *testing.T) {
	b := start(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	b.catchUp()
	ticket := b.invalidate("a")
	cancel()
	b.j.Run(ctx)
	if !done(ticket) {
		t.Fatal("what waited was not appended")
	}
}

func TestRunReadsAppendsAndComesBack(t *testing.T) {
	b := start(t, func(c *Config) { c.Now = func() int64 { return time.Now().UnixNano() } })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); b.j.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	set := func(away bool) {
		b.log.mu.Lock()
		defer b.log.mu.Unlock()
		b.log.away = away
	}
	await := func(what string, c <-chan struct{}) {
		select {
		case <-c:
		case <-time.After(10 * time.Second):
			t.Fatal(what)
		}
	}
	await("the first is not appended", b.invalidate("a").Done())
	set(true)
	second := b.invalidate("b")
	set(false)
	await("the second is not appended after the log came back", second.Done())
}

func TestWithoutALogTheClockIsItsOwn(t *testing.T) {
	b := start(t, func(c *Config) { c.Source = nil })
	s := b.fill("a")
	ticket := b.invalidate("a")
	if !done(ticket) || ticket.Position().IsZero() || b.j.Contact() != 0 {
		t.Fatal("not at once")
	}
	b.want(false, "filled before", s)
	b.want(true, "filled after", b.fill("a"))
	if later := b.invalidate("a"); !ticket.Position().Less(later.Position()) {
		t.Fatal("positions do not grow")
	}
}

func TestRecordsComeBackAndTheUnknownNamesEverything(t *testing.T) {
	r := Record{Author: "me", Number: 7, Names: tombstone.Names{Tags: []string{"a", "", "p"}, Prefixes: []string{"x"}, Patterns: []string{"a*b"}, Soft: true}}
	got := ParseFields(entry.Position{MS: 3}, r.AppendFields(nil))
	if got.Author != "me" || got.Number != 7 || len(got.Names.Tags) != 3 || len(got.Names.Prefixes) != 1 || len(got.Names.Patterns) != 1 || !got.Names.Soft || got.Names.All {
		t.Fatalf("%+v", got)
	}
	for _, fields := range [][]string{{"t"}, {"t", "a", "z", "1"}, {"s", "1", "?", ""}} {
		if got := ParseFields(entry.Position{}, fields); !got.Names.All || got.Names.Soft {
			t.Errorf("%q: %+v", fields, got)
		}
	}
}

// A new process that reads the first pages of a long log does not know yet what the next ones name.
func TestNothingOfOthersIsJudgedBeforeAllPagesAreRead(t *testing.T) {
	b := start(t, func(c *Config) { c.Join = 1 << 20 })
	for range 3 * pageRecords {
		b.log.other("x")
	}
	b.log.epoch = 1
	pages := 0
	var look func()
	look = func() {
		if pages++; b.j.Synced() {
			t.Errorf("judges after %d pages", pages-1)
		}
		b.log.between = look
	}
	b.log.between = look
	b.catchUp()
	if pages < 3 || !b.j.Synced() {
		t.Errorf("%d pages, synced %v", pages, b.j.Synced())
	}
}

func TestLoggedMeansAllThatWasAskedBefore(t *testing.T) {
	b := start(t, nil) // four may wait
	b.catchUp()
	b.log.away = true
	for i := range 10 { // they become one that names everything
		b.invalidate(string(rune('a' + i)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*shortestPause)
	defer cancel()
	if err := b.j.AwaitLogged(ctx); err == nil {
		t.Error("the log is away and has all of it")
	}
	b.log.away = false
	ended := make(chan error)
	go func() { ended <- b.j.AwaitLogged(context.Background()) }()
	if _, err := b.flush(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Who has come to a fence, or to another generation, says so at once, and then rests; other records are no reason.
func TestReaderThatIsWaitedForSaysHowFarItHasCome(t *testing.T) {
	b := start(t, nil)
	if b.catchUp(); !b.j.unsaid {
		t.Error("it has come, and the log does not know")
	}
	b.catchUp()
	b.log.other("a")
	if b.catchUp(); b.j.unsaid {
		t.Error("nobody waits, and it does not rest")
	}
	b.log.other()
	b.log.other("b")
	if b.catchUp(); !b.j.unsaid {
		t.Error("it has come to a fence, and the log does not know")
	}
	if b.catchUp(); b.j.unsaid {
		t.Error("the log knows, and it does not rest")
	}
	b.log.epoch++
	if b.catchUp(); !b.j.unsaid {
		t.Error("it has entered a generation, and the log does not know")
	}
	if b.catchUp(); b.j.unsaid {
		t.Error("the log knows, and it does not rest")
	}
}

// When masters change, some sidecars have left the old log while others still write to it: who comes to the new one later carries over what it has put into
// the old one lately.
func TestWhatAnotherLogHasIsCarriedOver(t *testing.T) {
	for _, c := range []struct {
		name  string
		read  bool // back from the old log
		count int
		wait  time.Duration
		want  int // records that the new log gets
		all   bool
	}{
		{name: "not read back", count: 3, want: 3},
		{name: "read back", read: true, count: 3, want: 3},
		{name: "read back long ago", read: true, count: 3, wait: renewFor + time.Second},
		{name: "more than is remembered", read: true, count: maxRenewals + 1, want: 1, all: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, func(cfg *Config) { cfg.Queue, cfg.QueueTags = 1000, 10_000 })
			b.catchUp()
			for i := range c.count {
				b.invalidate(strconv.Itoa(i))
			}
			for n := 1; n > 0; {
				var err error
				if n, err = b.flush(); err != nil {
					t.Fatal(err)
				}
			}
			if c.read {
				b.catchUp()
			}
			b.now += int64(c.wait)
			b.log.epoch, b.log.records = b.log.epoch+1, nil // another log, of which others have read already
			b.log.other("x")
			b.catchUp()
			for n := 1; n > 0; {
				n, _ = b.flush()
			}
			own := 0
			for _, r := range b.log.records {
				if r.Author == "me" {
					own++
					if r.Names.All != c.all {
						t.Errorf("%+v", r)
					}
				}
			}
			if own != c.want {
				t.Errorf("%d records were carried over, want %d", own, c.want)
			}
			b.catchUp()
			b.want(true, "filled after all of it", b.shared(b.log.epoch, b.log.head(), "0"))
		})
	}
}

package breaker

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var rules = Rules{Window: 10 * time.Second, Requests: 4, Ratio: 0.5, Open: 5 * time.Second}

const t0 = int64(1_700_000_000) * int64(time.Second)

// Each script is a run of steps over one breaker: ok, bad and gone are requests that go and end so, no is one that may not go, +N passes N
// seconds, and a state's name must be the state.
func TestStates(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"success keeps it closed", "ok ok ok ok ok closed"},
		{"too few requests", "bad bad bad closed"},
		{"enough requests, enough failures", "ok ok bad bad open no"},
		{"a ratio below", "ok ok ok bad ok bad closed"},
		{"what is over is not counted", "bad bad bad +11 bad closed"},
		{"the window slides", "bad +3 bad +3 bad +3 bad open"},
		{"the first of a window goes first", "bad +4 bad +4 bad +4 bad closed"},
		{"no request goes while it is open", "bad bad bad bad open +3 no no"},
		{"a probe after the time", "bad bad bad bad +7 ok closed ok"},
		{"a probe that fails", "bad bad bad bad +7 bad open no +7 ok closed"},
		{"failures of before do not count after it closed", "bad bad bad bad +7 ok bad bad bad closed bad open"},
		{"a probe without a result", "bad bad bad bad +7 gone half_open ok closed"},
		{"clients that leave are no failures", "gone gone gone gone gone closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, now := New(), t0
			for i, step := range strings.Fields(c.script) {
				var seconds int64
				if n, _ := fmt.Sscanf(step, "+%d", &seconds); n == 1 {
					now += seconds * int64(time.Second)
					continue
				}
				if step == Closed.String() || step == Open.String() || step == HalfOpen.String() {
					if b.State().String() != step {
						t.Fatalf("step %d: %s, want %s", i, b.State(), step)
					}
					continue
				}
				blocks := b.Blocks(now)
				k, may := b.Admit(now, &rules)
				if may != (step != "no") || blocks == may {
					t.Fatalf("step %d, %s: may go: %v, blocks: %v", i, step, may, blocks)
				}
				switch step {
				case "ok":
					k.Succeeded(now, &rules)
				case "bad":
					k.Failed(now, &rules)
				case "gone":
					k.Dropped()
				}
			}
		})
	}
}

func opened(t *testing.T) *Breaker {
	t.Helper()
	b := New()
	for range rules.Requests {
		k, _ := b.Admit(t0, &rules)
		k.Failed(t0, &rules)
	}
	if b.State() != Open {
		t.Fatal(b.State())
	}
	return b
}

func TestTimeOpenIsJittered(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 200 {
		d := opened(t).Wait(t0)
		least, most = min(least, d), max(most, d)
	}
	if least < rules.Open*8/10 || most > rules.Open*12/10 || most-least < rules.Open/10 {
		t.Errorf("%s to %s", least, most)
	}
}

// Requests that went before the breaker opened, and end after it closed again, change nothing.
func TestResultsOfAnotherTimeDoNotCount(t *testing.T) {
	b := New()
	late := make([]Ticket, 20)
	for i := range late {
		late[i], _ = b.Admit(t0, &rules)
	}
	for range rules.Requests {
		k, _ := b.Admit(t0, &rules)
		k.Failed(t0, &rules)
	}
	late[0].Succeeded(t0, &rules)
	if b.State() != Open {
		t.Fatal(b.State())
	}
	now := t0 + int64(2*rules.Open)
	probe, _ := b.Admit(now, &rules)
	probe.Succeeded(now, &rules)
	for _, k := range late {
		k.Failed(now, &rules)
	}
	if b.State() != Closed {
		t.Error(b.State())
	}
}

// A probe that does not come back does not shut the door for ever, and counts when it comes back after all.
func TestSlowProbeIsJoinedByAnother(t *testing.T) {
	b := opened(t)
	now := t0 + int64(2*rules.Open)
	slow, may := b.Admit(now, &rules)
	if _, second := b.Admit(now, &rules); !may || second {
		t.Fatal(may, second)
	}
	now += int64(rules.Open)
	if _, may = b.Admit(now, &rules); !may {
		t.Fatal("no second probe")
	}
	if !slow.Succeeded(now, &rules) || b.State() != Closed {
		t.Error(b.State())
	}
}

func TestOfManyAtOnceOneProbes(t *testing.T) {
	b := opened(t)
	now := t0 + int64(2*rules.Open)
	var probes atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, may := b.Admit(now, &rules); may {
				probes.Add(1)
			}
		})
	}
	all.Wait()
	if probes.Load() != 1 {
		t.Errorf("%d probes", probes.Load())
	}
}

// Results at the same time are all counted, and one of them opens.
func TestManyAtOnceOpenOnce(t *testing.T) {
	b := New()
	var opened atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				k, _ := b.Admit(t0, &rules)
				if k.Failed(t0, &rules) {
					opened.Add(1)
				}
			}
		})
	}
	all.Wait()
	if opened.Load() != 1 || b.State() != Open {
		t.Errorf("opened %d times, %s", opened.Load(), b.State())
	}
}

func TestWindowKeepsTheRatioOfMany(t *testing.T) {
	var w window
	for i := range 200_000 {
		w.add(t0, time.Second, i%4 == 0)
	}
	requests, failures := w.sum(t0, time.Second)
	if ratio := float64(failures) / float64(requests); requests < most/2 || ratio < 0.24 || ratio > 0.26 {
		t.Errorf("%d of %d", failures, requests)
	}
}

func TestNoBreakerIsClosed(t *testing.T) {
	var b *Breaker
	k, may := b.Admit(t0, &rules)
	k.Succeeded(t0, &rules)
	k.Dropped()
	if !may || k.Failed(t0, &rules) || b.Blocks(t0) || b.State() != Closed {
		t.Error("it is not")
	}
}

func TestSetIsBounded(t *testing.T) {
	var s Set
	for i := range maxBreakers + 10 {
		if b := s.Of(fmt.Sprint(i)); (b == nil) != (i >= maxBreakers) {
			t.Fatalf("%d: %v", i, b)
		}
	}
	if first := s.Of("0"); first == nil || s.Of("0") != first || s.Of("1") == first {
		t.Error("a destination has its own")
	}
	if now, _ := s.Stats(); now["closed"] != maxBreakers {
		t.Error(now)
	}
}

func TestClosedBreakerAllocatesNothing(t *testing.T) {
	b := New()
	if n := testing.AllocsPerRun(1000, func() {
		k, _ := b.Admit(t0, &rules)
		k.Succeeded(t0, &rules)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkClosed(b *testing.B) {
	k := New()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			t, _ := k.Admit(t0, &rules)
			t.Succeeded(t0, &rules)
		}
	})
}

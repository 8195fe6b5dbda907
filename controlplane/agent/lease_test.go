package agent

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// watched runs a ledger in a synctest bubble and returns the sets it told, as ids.
func watched(t *testing.T) (*ledger, func() [][]string) {
	t.Helper()
	told := make(chan []Command, 64)
	l := newLedger(func(set []Command) { told <- set })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { l.run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return l, func() (all [][]string) {
		synctest.Wait()
		for {
			select {
			case set := <-told:
				var ids []string
				for _, c := range set {
					ids = append(ids, c.ID)
				}
				all = append(all, ids)
			default:
				return all
			}
		}
	}
}

func command(id string, generation uint64, starts, ends time.Duration) Command {
	now := time.Now()
	return Command{ID: id, Generation: generation, Kind: KindServeStale, NotBefore: now.Add(starts), Expires: now.Add(ends)}
}

func expect(t *testing.T, got [][]string, want ...[]string) {
	t.Helper()
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Fatalf("told %v, want %v", got, want)
	}
}

func TestLeasesExpireOnTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := watched(t)
		expect(t, told())
		l.replace([]Command{command("b", 2, 0, 2*time.Minute), command("a", 1, 0, time.Minute)}, time.Now())
		expect(t, told(), []string{"a", "b"})
		pass(time.Minute - time.Nanosecond)
		expect(t, told())
		pass(time.Nanosecond)
		expect(t, told(), []string{"b"})
		if n := l.count(); n != 1 {
			t.Fatalf("%d are active", n)
		}
		pass(time.Minute)
		expect(t, told(), nil)
		pass(time.Hour)
		expect(t, told())
	})
}

func TestLeaseBeginsAtNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := watched(t)
		l.replace([]Command{command("a", 1, time.Minute, 2*time.Minute)}, time.Now())
		expect(t, told())
		pass(time.Minute)
		expect(t, told(), []string{"a"})
		pass(time.Minute)
		expect(t, told(), nil)
	})
}

func TestRevocationAndRepetition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := watched(t)
		l.replace([]Command{command("a", 1, 0, time.Minute), command("b", 2, 0, time.Minute)}, time.Now())
		expect(t, told(), []string{"a", "b"})
		pass(300 * time.Millisecond)
		// The same set again, its ends read a little later: nobody is told, and nothing lives longer.
		l.replace([]Command{command("a", 1, 0, time.Minute), command("b", 2, 0, time.Minute)}, time.Now())
		expect(t, told())
		l.replace([]Command{command("b", 2, 0, time.Hour)}, time.Now())
		expect(t, told(), []string{"b"})
		pass(time.Minute - 300*time.Millisecond)
		expect(t, told(), nil)
	})
}

func TestHighestGenerationWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := watched(t)
		l.replace([]Command{command("a", 2, 0, time.Minute)}, time.Now())
		expect(t, told(), []string{"a"})
		l.replace([]Command{command("a", 1, 0, 10*time.Minute)}, time.Now())
		expect(t, told())
		l.replace([]Command{command("a", 3, 0, 10*time.Minute)}, time.Now())
		expect(t, told(), []string{"a"})
		pass(9 * time.Minute)
		expect(t, told())
		pass(time.Minute)
		expect(t, told(), nil)
	})
}

func TestLeaseMayEndEarlierThanBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, told := watched(t)
		l.replace([]Command{command("a", 1, 0, time.Hour)}, time.Now())
		expect(t, told(), []string{"a"})
		l.replace([]Command{command("a", 1, 0, time.Minute)}, time.Now())
		expect(t, told(), []string{"a"})
		pass(time.Minute)
		expect(t, told(), nil)
	})
}

func issued(id, kind string, from time.Time, lifetime time.Duration) *weirv1.Command {
	return &weirv1.Command{Id: id, Generation: 1, Kind: kind, NotBefore: timestamppb.New(from), Expires: timestamppb.New(from.Add(lifetime))}
}

func TestClocksNeedNotAgree(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, skew := range []time.Duration{-10 * time.Minute, 0, 10 * time.Minute, 240 * time.Hour} {
		server := now.Add(skew)
		leases, refused := localCommands([]*weirv1.Command{issued("a", KindServeStale, server.Add(-time.Minute), 5*time.Minute)}, server, now)
		if len(refused) != 0 || len(leases) != 1 || !leases[0].Expires.Equal(now.Add(4*time.Minute)) || leases[0].NotBefore.After(now) {
			t.Errorf("skew %s: %+v, %v", skew, leases, refused)
		}
	}
}

func TestLifetimeIsCapped(t *testing.T) {
	now := time.Now()
	leases, _ := localCommands([]*weirv1.Command{issued("a", KindServeStale, now, 100*time.Hour)}, now, now)
	if got := leases[0].Expires.Sub(now); got != MaxLifetime {
		t.Fatalf("it lives %s", got)
	}
}

func TestWhatCannotBeObeyedIsRefused(t *testing.T) {
	now := time.Now()
	endless := issued("endless", KindServeStale, now, time.Minute)
	endless.Expires = nil
	odd := issued("odd", KindRateLimit, now, time.Minute)
	odd.Params = map[string]string{"per_second": "many"}
	leases, refused := localCommands([]*weirv1.Command{
		issued("", KindServeStale, now, time.Minute), issued("new", "teleport", now, time.Minute), endless, odd,
		issued("late", KindServeStale, now.Add(-time.Hour), time.Minute), issued("good", KindBypassCache, now, time.Minute),
	}, now, now)
	if len(leases) != 1 || leases[0].ID != "good" {
		t.Errorf("obeyed %+v", leases)
	}
	var ids []string
	for _, r := range refused {
		ids = append(ids, r.GetId())
		if r.GetReason() == "" {
			t.Errorf("%s is refused without a reason", r.GetId())
		}
	}
	if !slices.Equal(ids, []string{"", "new", "endless", "odd"}) {
		t.Errorf("refused %v", ids)
	}
}

func TestStoredCommandsOfAnotherClockAreDropped(t *testing.T) {
	now := time.Now()
	stored := storedCommands(1, []Command{command("a", 1, 0, time.Minute), command("b", 2, 0, MaxLifetime+time.Minute), command("c", 3, 0, -time.Second)})
	got := restoredCommands(stored, now)
	if len(got) != 1 || got[0].ID != "a" || got[0].Expires.Sub(now) > time.Minute+time.Second {
		t.Fatalf("restored %+v", got)
	}
}

// pass lets time go by in a bubble, where it costs none.
func pass(d time.Duration) { <-time.After(d) }

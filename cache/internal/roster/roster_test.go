package roster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/cache/internal/entry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// play answers Fence with the first view and each View with the next; the last one repeats.
type play struct {
	views []View
	errs  map[int]error // by number of the call
	calls int
}

func (p *play) Fence(context.Context) (View, error) { return p.View(context.Background()) }

func (p *play) View(context.Context) (View, error) {
	i := p.calls
	p.calls++
	if err := p.errs[i]; err != nil {
		return View{}, err
	}
	return p.views[min(i, len(p.views)-1)], nil
}

func at(ms uint64) entry.Position { return entry.Position{MS: ms} }

func TestWhoObeys(t *testing.T) {
	const target, now = 5000, 6000 // the fence's place and time
	for _, c := range []struct {
		what  string
		m     Member
		later View // zero: the same as the fence saw
		want  string
	}{
		{"has applied all", Member{Epoch: 1, Position: at(target), SeenMS: now}, View{}, "reached"},
		{"is further", Member{Epoch: 1, Position: at(target + 1), SeenMS: now}, View{}, "reached"},
		{"is behind", Member{Epoch: 1, Position: at(target - 1), SeenMS: now}, View{}, "missing"},
		{"is entering the generation", Member{SeenMS: now}, View{}, "missing"},
		{"is in a generation before this one, further by number", Member{Epoch: 9, Position: at(9999), SeenMS: now}, View{}, "missing"},
		{"is in the generation that began meanwhile", Member{Epoch: 2, Position: at(1), SeenMS: now}, View{Epoch: 2, Head: at(3), NowMS: now + 1}, "reached"},
		{"is still in the one before", Member{Epoch: 1, Position: at(target), SeenMS: now}, View{Epoch: 2, Head: at(3), NowMS: now + 1}, "missing"},
		{"has been silent for its bound since the wait began", Member{Epoch: 1, SeenMS: 10, BoundMS: 1000}, View{Epoch: 1, Head: at(target), NowMS: now + 1000}, "expired"},
		{"one millisecond before that", Member{Epoch: 1, SeenMS: 10, BoundMS: 1000}, View{Epoch: 1, Head: at(target), NowMS: now + 999}, "missing"},
		{"was silent for long before, but not since the wait began", Member{Epoch: 1, SeenMS: 10, BoundMS: 1000}, View{}, "missing"},
		{"said something after the wait began", Member{Epoch: 1, SeenMS: now + 500, BoundMS: 1000}, View{Epoch: 1, Head: at(target), NowMS: now + 1200}, "missing"},
		{"of another version: nothing is known of it", Member{SeenMS: now, BoundMS: 1 << 40}, View{Epoch: 1, Head: at(target), NowMS: now + 99_999}, "missing"},
	} {
		t.Run(c.what, func(t *testing.T) {
			fence := View{Epoch: 1, Head: at(target), NowMS: now, Members: []Member{c.m}}
			later := fence
			if c.later.Epoch != 0 {
				later = c.later
				later.Members = fence.Members
			}
			var o Outcome
			o.judge(&fence, &later)
			got := "missing"
			switch {
			case o.Reached == 1:
				got = "reached"
			case o.Expired == 1:
				got = "expired"
			}
			if got != c.want || o.Members != 1 || o.All() != (c.want != "missing") {
				t.Errorf("%s, want %s: %+v", got, c.want, o)
			}
		})
	}
}

func TestAwaitEndsWhenTheLastOneHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member := func(id string, p uint64) Member {
			return Member{ID: id, Instance: id, Epoch: 1, Position: at(p), BoundMS: 10_000}
		}
		p := &play{views: []View{
			{NowMS: 1}, // not settled
			{Epoch: 1, Head: at(7), NowMS: 2, Members: []Member{member("b", 6), member("a", 6)}},
			{NowMS: 3}, // a failover
			{Epoch: 1, Head: at(9), NowMS: 4, Members: []Member{member("b", 6), member("a", 7)}},
			{Epoch: 1, Head: at(9), NowMS: 5, Members: []Member{member("b", 8), member("a", 7)}},
		}, errs: map[int]error{0: errors.New("away")}}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		o := Await(ctx, p)
		if !o.All() || o.Reached != 2 || o.Target != at(7) || o.Changed || o.Took <= 0 {
			t.Errorf("%+v", o)
		}
	})
}

func TestAwaitNamesWhoIsMissingAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := Member{ID: "2", Instance: "stuck", Epoch: 1, Position: at(6), SeenMS: 50, BoundMS: 10_000}
		p := &play{views: []View{{Epoch: 1, Head: at(7), NowMS: 100, Members: []Member{{ID: "1", Instance: "fine", Epoch: 1, Position: at(7)}, stuck}}}}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		o := Await(ctx, p)
		if o.All() || o.Err != nil || len(o.Missing) != 1 || o.Missing[0].Member != stuck || o.Missing[0].Silent != 50*time.Millisecond || o.Missing[0].SafeIn != 10*time.Second {
			t.Errorf("%+v", o)
		}
		if o.Took != time.Second || p.calls > 40 {
			t.Errorf("took %v, %d calls", o.Took, p.calls)
		}
	})
}

// The slot of the places moves to a node whose clock is ahead: who is silent by that clock alone is not taken for one that trusts nothing.
func TestAwaitTellsASilenceByOneClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := Member{ID: "1", Instance: "behind", Epoch: 1, Position: at(6), SeenMS: 100, BoundMS: 10_000}
		view := func(server string, ms uint64) View {
			return View{Epoch: 1, Head: at(7), NowMS: ms, Server: server, Members: []Member{m}}
		}
		p := &play{views: []View{view("old", 100), view("ahead", 60_000), view("ahead", 69_999), view("ahead", 70_000)}}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if o := Await(ctx, p); !o.All() || o.Expired != 1 || p.calls != 4 {
			t.Errorf("after %d looks: %+v", p.calls, o)
		}
	})
}

// A server that comes back without its data knows nobody: who was known before it is waited for, until he is listed, has left after that, or is silent for
// his bound.
func TestAwaitRemembersWhoWasKnownBeforeTheDataWasLost(t *testing.T) {
	const bound = 10_000
	member := func(id string, epoch uint64) Member {
		return Member{ID: id, Instance: id, Epoch: epoch, Position: at(6), SeenMS: 50, BoundMS: bound}
	}
	before := View{Epoch: 1, Head: at(7), NowMS: 100, Server: "old", Members: []Member{member("a", 1), member("b", 1)}}
	after := func(ms uint64, listed ...Member) View {
		return View{Epoch: 2, Head: at(1), NowMS: 1_000_000 + ms, Server: "new", Members: listed}
	}
	for name, c := range map[string]struct {
		views            []View
		reached, expired int
		missing          string
	}{
		"all are listed again":     {[]View{before, after(20), after(21, member("a", 2)), after(22, member("a", 2), member("b", 2))}, 2, 0, ""},
		"one is not":               {[]View{before, after(20), after(21, member("a", 2))}, 1, 0, "b"},
		"nobody is":                {[]View{before, after(20)}, 0, 0, "ab"},
		"one is silent for long":   {[]View{before, after(20), after(20+bound, member("a", 2))}, 1, 1, ""},
		"one leaves after it":      {[]View{before, after(20, member("b", 2)), after(21, member("a", 2))}, 1, 0, ""},
		"the data is lost twice":   {[]View{before, after(20), {Epoch: 3, NowMS: 2_000_000, Server: "third", Members: []Member{member("a", 3)}}}, 1, 0, "b"},
		"one leaves with the data": {[]View{before, {Epoch: 1, Head: at(7), NowMS: 101, Server: "old", Members: []Member{{ID: "a", Epoch: 1, Position: at(7)}}}}, 1, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				o := Await(ctx, &play{views: c.views})
				missing := ""
				for _, m := range o.Missing {
					missing += m.ID
					if m.Silent > bound*time.Millisecond {
						t.Errorf("%s is silent for %s", m.ID, m.Silent)
					}
				}
				if o.Reached != c.reached || o.Expired != c.expired || missing != c.missing || o.All() != (missing == "") {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

func TestAwaitKnowsNothingWithoutTheLog(t *testing.T) {
	for name, p := range map[string]*play{
		"away from the start":      {views: []View{{}}, errs: map[int]error{}},
		"away after the beginning": {views: []View{{Epoch: 1, Head: at(7), NowMS: 100, Members: []Member{{ID: "1"}}}}, errs: map[int]error{}},
		"never settled":            {views: []View{{NowMS: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for i := range 1000 {
					if p.errs != nil && (i > 0 || !strings.Contains(name, "after")) {
						p.errs[i] = errors.New("away")
					}
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				if o := Await(ctx, p); o.All() || o.Err == nil {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

func TestWhatIsPublishedComesBack(t *testing.T) {
	text := fmt.Sprintf("%d %s %d %d %s", uint64(1<<53), entry.Position{MS: 17, Seq: 3}, 18, 10_000, Instance("pod a\n\x00é"+strings.Repeat("é", 200)))
	m, ok := Parse("id", text)
	if !ok || m.Epoch != 1<<53 || m.Position != (entry.Position{MS: 17, Seq: 3}) || m.SeenMS != 18 || m.BoundMS != 10_000 || !strings.HasPrefix(m.Instance, "pod a__éé") || len(m.Instance) > maxInstance {
		t.Errorf("%+v %v", m, ok)
	}
	for _, bad := range []string{"", "1 2-3 4 5", "x 1-1 1 1 a", "1 1 1 1 a", "1 1-1 99999999999999999999 1 a", "1 1-1 1 9999999999999999999 a"} {
		if _, ok := Parse("id", bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1 2-3 4 5 name")
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := Parse("id", text)
		if !ok {
			return
		}
		var o Outcome
		v := View{Epoch: m.Epoch, Head: m.Position, NowMS: 1 << 50, Members: []Member{m}}
		o.judge(&v, &v)
		if o.Reached+o.Expired+len(o.Missing) != 1 {
			t.Errorf("%+v", o)
		}
	})
}

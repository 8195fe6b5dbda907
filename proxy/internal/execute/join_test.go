package execute

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// joining is a slow shop whose subgraphs share nothing, but whose clients do.
func joining(t *testing.T, propagate ...string) *slowShop {
	t.Helper()
	s := newSlowShop(t, false, propagate...)
	s.cfg.Join = true
	s.e = New(s.cfg)
	return s
}

// outcome is what came of a request.
type outcome struct {
	body  string
	stats Stats
	after time.Duration
}

func (s *slowShop) begin(t *testing.T, leash *subgraph.Leash, query, variables string, lines ...string) <-chan outcome {
	done, begun := make(chan outcome, 1), time.Now()
	go func() {
		body, stats := s.askFor(t, leash, query, variables, lines...)
		done <- outcome{body, stats, time.Since(begun)}
	}()
	return done
}

func TestIdenticalQueriesAreExecutedOnce(t *testing.T) {
	type client struct{ query, variables, line string }
	slow, touch := `query($of: Int) { slow(of: $of) }`, `mutation { touch }`
	for _, c := range []struct {
		name      string
		propagate string
		clients   []client
		asked     int
	}{
		{"the same", "", []client{{plain, "", ""}, {plain, "", ""}, {plain, "", ""}}, 2},
		{"traced", "*", []client{{plain, "", "traceparent:1"}, {plain, "", "traceparent:2"}}, 2},
		{"other operations", "", []client{{plain, "", ""}, {`{ products { name } }`, "", ""}}, 3},
		{"credentials that go on", "authorization", []client{{plain, "", "authorization:ann"}, {plain, "", "authorization:bob"}}, 4},
		{"credentials that do not", "", []client{{plain, "", "authorization:ann"}, {plain, "", "authorization:bob"}, {plain, "", ""}, {plain, "", "Authorization:ann"}}, 6},
		{"a header that goes on", "x-shop", []client{{plain, "", "x-shop:1"}, {plain, "", "x-shop:2"}}, 4},
		{"a cookie", "", []client{{plain, "", "Cookie:a=1"}, {plain, "", "Cookie:a=2"}}, 4},
		{"a header that does not", "", []client{{plain, "", "x-shop:1"}, {plain, "", "x-shop:2"}}, 2},
		{"variables", "", []client{{slow, `{"of":1}`, ""}, {slow, `{"of":2}`, ""}, {slow, `{"of":1}`, ""}, {slow, `{}`, ""}}, 3},
		{"mutations", "", []client{{touch, "", ""}, {touch, "", ""}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := joining(t, strings.Fields(c.propagate)...)
				var all []<-chan outcome
				for _, k := range c.clients {
					all = append(all, s.begin(t, nil, k.query, k.variables, strings.Fields(k.line)...))
				}
				fetches := 0
				for _, done := range all {
					r := <-done
					fetches += r.stats.Fetches
					if r.stats.Errors > 0 || !strings.HasPrefix(r.body, `{"data":{"`) {
						t.Errorf("%+v", r)
					}
				}
				if s.asked != c.asked || fetches != c.asked {
					t.Errorf("asked %d times, %d fetches, want %d", s.asked, fetches, c.asked)
				}
			})
		})
	}
}

func TestAClientThatLeavesEndsNobodyElsesQuery(t *testing.T) {
	for _, first := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := joining(t)
			var one, two subgraph.Leash
			a := s.begin(t, &one, plain, "")
			synctest.Wait()
			b := s.begin(t, &two, plain, "")
			synctest.Wait()
			leash, stays, goes := &two, a, b
			if first {
				leash, stays, goes = &one, b, a
			}
			leash.Leave()
			if r := <-stays; r.body != whole || r.after != 2*time.Second {
				t.Errorf("%+v", r)
			}
			<-goes
			if one.Busy() || two.Busy() || s.asked != 2 {
				t.Errorf("%v, %v, asked %d times", one.Busy(), two.Busy(), s.asked)
			}
		})
	}
}

func TestAQueryThatAllHaveLeftIsJoinedByNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := joining(t)
		var one, two subgraph.Leash
		a := s.begin(t, &one, plain, "")
		synctest.Wait()
		b := s.begin(t, &two, plain, "")
		synctest.Wait()
		two.Leave()
		if r := <-b; r.after != 0 || r.stats.Errors == 0 {
			t.Errorf("who had left waited: %+v", r)
		}
		one.Leave()
		if r := <-s.begin(t, nil, plain, ""); r.body != whole || r.stats.Fetches != 2 {
			t.Errorf("%+v", r)
		}
		<-a
	})
}

// A client that leaves when it is held, and before it has joined, counts for nothing: the execution ends with the one who is left.
func TestWhoLeavesBeforeItJoinsIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := joining(t)
		p := s.plan(plain)
		var v planner.Values
		p.Coerce(nil, &v)
		plan, err := p.Fetches(&v)
		if err != nil {
			t.Fatal(err)
		}
		var one, two subgraph.Leash
		first := make(chan time.Duration, 1)
		begun := time.Now()
		go func() {
			s.e.Execute(t.Context(), &Request{Plan: plan, Values: &v, Leash: &one}, nil)
			first <- time.Since(begun)
		}()
		synctest.Wait()
		q := &Request{Plan: plan, Values: &v, Leash: &two}
		g := s.e.guest(q)
		if !two.Hold(g) {
			t.Fatal("not held")
		}
		two.Leave()
		if _, stats := s.e.board(t.Context(), q, g, nil); stats.Errors == 0 || s.e.Joined() != 0 {
			t.Errorf("%+v, %d have joined", stats, s.e.Joined())
		}
		one.Leave()
		if after := <-first; after > time.Second || s.asked != 1 || two.Busy() { // the first of two fetches was under way
			t.Errorf("it went on for %s and %d fetches, for nobody", after, s.asked)
		}
	})
}

// What came of an execution that was cancelled, or ran out of time, is no answer for those who have time left.
func TestWhoJoinedACancelledExecutionExecutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := joining(t)
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan Stats, 1)
		p := s.plan(plain)
		var v planner.Values
		p.Coerce(nil, &v)
		plan, err := p.Fetches(&v)
		if err != nil {
			t.Fatal(err)
		}
		q := &Request{Plan: plan, Values: &v}
		go func() {
			_, stats := s.e.Execute(ctx, q, nil)
			first <- stats
		}()
		synctest.Wait()
		b := s.begin(t, nil, plain, "")
		synctest.Wait()
		cancel()
		if r := <-b; r.body != whole || r.stats.Fetches != 2 {
			t.Errorf("%+v", r)
		}
		<-first
	})
}

func TestWhatIsAskedAfterAMutationJoinsNothingOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := joining(t)
		before := s.begin(t, nil, `{ slow(of: 1) }`, "")
		time.Sleep(time.Second)
		s.ask(t, `mutation { touch }`, "")
		a, b := s.begin(t, nil, `{ slow(of: 1) }`, ""), s.begin(t, nil, `{ slow(of: 1) }`, "")
		<-before
		if x, y := <-a, <-b; x.stats.Fetches+y.stats.Fetches != 1 || s.asked != 3 {
			t.Errorf("%+v %+v, asked %d times", x, y, s.asked)
		}
	})
}

// Under load, with clients that come and go, every answer is right and nothing is left over.
func TestManyClientsJoin(t *testing.T) {
	s, sg, e := shopOf(t, true, Config{Join: true})
	var all sync.WaitGroup
	var mu sync.Mutex
	fetches := 0
	for _, name := range []string{"big", "two"} {
		plan, v, want := shopPlan(t, sg, name)
		for range 8 {
			q := &Request{Plan: plan, Values: v}
			all.Go(func() {
				var out []byte
				for range 50 {
					var l subgraph.Leash
					mine := *q
					mine.Leash = &l
					leaves := rand.IntN(4) == 0
					if leaves {
						go l.Leave()
					}
					var stats Stats
					out, stats = e.Execute(t.Context(), &mine, out[:0])
					mu.Lock()
					fetches += stats.Fetches
					mu.Unlock()
					if string(out) != want && !leaves {
						t.Errorf("%s: %s", name, out)
					}
				}
			})
		}
	}
	all.Wait()
	for i := range e.joints.berths {
		if e.joints.berths[i].under != [berthWidth]*joint{} {
			t.Error("an execution is left over")
		}
	}
	if e.Joined() == 0 || s.fetches > fetches {
		t.Errorf("%d joined, %d fetches, %d seen", e.Joined(), fetches, s.fetches)
	}
}

// Neither who executes nor who joins allocates.
func TestJoiningAllocations(t *testing.T) {
	if underRace {
		t.Skip("pools keep less under the race detector")
	}
	_, sg, e := shopOf(t, true, Config{Join: true})
	plan, v, _ := shopPlan(t, sg, "big")
	q := &Request{Plan: plan, Values: v}
	var out []byte
	if n := testing.AllocsPerRun(200, func() { out, _ = e.Execute(t.Context(), q, out[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// An execution that hangs holds up those who came at its beginning.
func TestAnExecutionThatHangsIsJoinedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := joining(t)
		s.cfg.Total = 5 * time.Minute
		s.e = New(s.cfg)
		ask := func() <-chan outcome { return s.begin(t, nil, `{ slow(of: 1) }`, "") }
		first := ask()
		synctest.Wait()
		time.Sleep(29 * time.Second)
		second := ask()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		third := ask()
		for i, done := range []<-chan outcome{first, second, third} {
			if r := <-done; r.stats.Fetches != []int{1, 0, 1}[i] || r.after != []time.Duration{60, 31, 60}[i]*time.Second {
				t.Errorf("%d: %+v", i, r)
			}
		}
	})
}

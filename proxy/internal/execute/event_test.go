package execute

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// newsOf returns the shop with a subscription of which the reviews' subgraph tells, and a plan whose authors' names accounts knows.
func newsOf(t *testing.T, cfg Config) (*store, *Executor, *planner.FetchPlan, *planner.Values) {
	t.Helper()
	sdl, err := os.ReadFile("../../../planner/testdata/shop.graphql")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(sdl), "  query: Query\n", "  query: Query\n  subscription: Subscription\n", 1) + `
type Subscription @join__type(graph: REVIEWS) { reviewed: Review @join__field(graph: REVIEWS) }`
	sg, err := planner.LoadSupergraph("news", text)
	if err != nil {
		t.Fatal(err)
	}
	s := &store{answers: map[string][]byte{}}
	for _, g := range sg.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: g.URL, Share: true, Dial: func(context.Context, string) (net.Conn, error) {
			return &memoryConn{store: s}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		cfg.Clients = append(cfg.Clients, c)
	}
	plan, v := planOf(t, sg, `subscription { reviewed { body author { name } } }`)
	if plan.Steps[0].Kind != planner.FetchSubscription || len(plan.Steps) != 2 {
		t.Fatal(plan)
	}
	return s, New(cfg), plan, v
}

// An event is the answer of the step that would subscribe: what its subgraph does not know is fetched for each, and nothing else.
func TestEvent(t *testing.T) {
	const named = `{"data":{"reviewed":{"body":"good","author":{"name":"name of User 2"}}}}`
	for _, c := range []struct {
		name, event, want string
		fetches           int
	}{
		{"entities are fetched", `{"data":{"reviewed":{"body":"good","author":{"__typename":"User","id":"2"}}}}`, named, 1},
		{"nothing to fetch", `{"data":{"reviewed":null}}`, `{"data":{"reviewed":null}}`, 0},
		{
			"errors of the event", `{"errors":[{"message":"lost","path":["reviewed"]}],"data":{"reviewed":null}}`,
			`{"data":{"reviewed":null},"errors":[{"message":"lost","path":["reviewed"],"extensions":{"serviceName":"reviews"}}]}`, 0,
		},
		{
			"no event", `{"data":`,
			`{"data":{"reviewed":null},"errors":[{"message":"The answer of a subgraph cannot be read.","path":["reviewed"],"extensions":{"code":"subgraph.bad_answer","serviceName":"reviews"}}]}`, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, e, plan, v := newsOf(t, Config{Join: true, Memo: true})
			for range 2 { // each event is fetched for
				got, stats := e.Execute(t.Context(), &Request{Plan: plan, Values: v, Event: []byte(c.event)}, nil)
				if string(got) != c.want || stats.Fetches != c.fetches || stats.Shared+stats.Kept > 0 {
					t.Errorf("%+v\n%s\nwant\n%s", stats, got, c.want)
				}
			}
		})
	}
}

// Many may read one event at once.
func TestEventForMany(t *testing.T) {
	s, e, plan, v := newsOf(t, Config{})
	event := []byte(`{"data":{"reviewed":{"body":"good","author":{"__typename":"User","id":"2"}}}}`)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, _ := e.Execute(t.Context(), &Request{Plan: plan, Values: v, Event: event}, nil)
			if want := `{"data":{"reviewed":{"body":"good","author":{"name":"name of User 2"}}}}`; string(got) != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	all.Wait()
	if s.fetches != 20 {
		t.Errorf("%d fetches, want 20: none subscribes, none is shared", s.fetches)
	}
}

// After warm-up, the answer to an event allocates nothing.
func TestEventDoesNotAllocate(t *testing.T) {
	_, e, plan, v := newsOf(t, Config{})
	q := &Request{Plan: plan, Values: v, Event: []byte(`{"data":{"reviewed":{"body":"good","author":{"__typename":"User","id":"2"}}}}`)}
	var out []byte
	if n := testing.AllocsPerRun(50, func() { out, _ = e.Execute(t.Context(), q, out[:0]) }); n != 0 && !underRace {
		t.Errorf("%v allocations", n)
	}
}

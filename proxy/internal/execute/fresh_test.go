package execute

import (
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/forward"
)

// freshness asks for names and stocks, and for what other caches may do with the answer.
func (f *shelf) freshness(t *testing.T, query string) (got Freshness, tags string) {
	t.Helper()
	p := planner.Build(f.sg.Schema(), query, "", planner.Options{})
	var v planner.Values
	if errs := p.Coerce(nil, &v); len(errs) > 0 {
		t.Fatal(errs)
	}
	plan, err := p.Fetches(&v)
	if err != nil {
		t.Fatal(err)
	}
	var list planner.Tags
	_, stats := f.e.Execute(t.Context(), &Request{Plan: plan, Values: &v, Fresh: true, Tags: &list, User: []byte(f.user)}, nil)
	var names []string
	for i := range list.Len() {
		names = append(names, string(list.At(i)))
	}
	sort.Strings(names)
	return stats.Fresh, strings.Join(names, " ")
}

// about tells whether two times are within a second.
func about(got, want time.Duration) bool { return got <= want && got > want-time.Second }

// An answer is for other caches what the least of its parts allows; parts from the cache have less time left.
func TestFreshnessIsTheLeastOfTheParts(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    Rule
		lines   map[string]string
		edit    func(*shelf)
		want    time.Duration
		private bool
	}{
		{"the entities'", Rule{TTL: 90 * time.Second}, map[string]string{"Cache-Control": "max-age=60"}, nil, time.Minute, false},
		{"the root fields'", Rule{TTL: 30 * time.Second}, map[string]string{"Cache-Control": "max-age=60"}, nil, 30 * time.Second, false},
		{"less what it has aged", Rule{TTL: time.Hour}, map[string]string{"Cache-Control": "max-age=60", "Age": "20"}, nil, 40 * time.Second, false},
		{"for shared caches", Rule{TTL: time.Hour}, map[string]string{"Cache-Control": "max-age=9, s-maxage=60"}, nil, time.Minute, false},
		{"private", Rule{TTL: time.Hour}, map[string]string{"Cache-Control": "private, max-age=60, s-maxage=90"}, nil, time.Minute, true},
		{"private, and the others less", Rule{TTL: 5 * time.Second}, map[string]string{"Cache-Control": "private, max-age=60"}, nil, 5 * time.Second, true},
		{"no word of the roots", Rule{}, map[string]string{"Cache-Control": "max-age=60"}, nil, 0, false},
		{"no word of the entities", Rule{TTL: time.Minute}, nil, nil, 0, false},
		{"no-store", Rule{TTL: time.Minute}, map[string]string{"Cache-Control": "no-store"}, nil, 0, false},
		{"a cookie", Rule{TTL: time.Minute}, map[string]string{"Cache-Control": "private, max-age=60", "Set-Cookie": "a=b"}, nil, 0, false},
		{"an error", Rule{TTL: time.Minute}, map[string]string{"Cache-Control": "max-age=60"}, func(f *shelf) {
			f.errors = `,"errors":[{"message":"no"}]`
		}, 0, false},
		{"a null that nobody could invalidate", Rule{TTL: time.Minute}, map[string]string{"Cache-Control": "max-age=60"}, func(f *shelf) { delete(f.stock, "1") }, 0, false},
		{"invalidated under way", Rule{TTL: time.Minute}, map[string]string{"Cache-Control": "max-age=60"}, func(f *shelf) {
			f.during = func() { f.invalidate(t, "Product:1") }
		}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newShelf(t, Keeping{Rules: []Rule{c.rule, {}}})
			f.lines = c.lines
			if c.edit != nil {
				c.edit(f)
			}
			for round := range 2 { // the second from the cache, as far as it is there
				got, _ := f.freshness(t, plain)
				if c.want == 0 && got != (Freshness{}) || c.want > 0 && (!about(got.TTL, c.want) || got.Private != c.private) {
					t.Errorf("round %d: %+v, want %s, private: %v", round, got, c.want, c.private)
				}
			}
		})
	}
}

func TestFreshnessBesideWhatIsKept(t *testing.T) {
	f := newShelf(t, Keeping{Rules: []Rule{{TTL: time.Hour}, {}}, HoldOff: 10 * time.Second})
	if got, tags := f.freshness(t, plain); !about(got.TTL, time.Minute) || tags != "@subgraph:a @subgraph:b Product Product:1 Product:2 Query.products list:Product" {
		t.Errorf("%+v %s", got, tags)
	}
	f.listed, f.lines = []string{"1", "2", "3"}, map[string]string{"Cache-Control": "max-age=5"}
	f.invalidate(t, "list:Product")
	if got, tags := f.freshness(t, plain); !about(got.TTL, 5*time.Second) || !strings.Contains(tags, "Product:1 Product:2 Product:3") { // 3 is new
		t.Errorf("%+v %s", got, tags)
	}
	f.lines = map[string]string{"Cache-Control": "max-age=60"}
	f.invalidate(t, "Product:2")
	time.Sleep(time.Millisecond)
	if got, _ := f.freshness(t, "{ products { name } }"); !about(got.TTL, 10*time.Second) { // replicas may lag
		t.Errorf("%+v", got)
	}
	if got, _ := f.freshness(t, "{ __typename }"); got != (Freshness{}) {
		t.Errorf("nothing was asked, and yet %+v", got)
	}
	f = newShelf(t, Keeping{Rules: []Rule{{TTL: time.Hour}, {Off: true}}})
	if got, _ := f.freshness(t, plain); got != (Freshness{}) {
		t.Errorf("the cache is off, and yet %+v", got)
	}
}

func TestVaries(t *testing.T) {
	rules := forward.Rules{Propagate: []string{"x-b", "authorization", "x-a"}, Remove: []string{"x-b"}}
	e := New(Config{Headers: forward.Compile(forward.TraceForward, rules, []forward.Rules{{}, {Propagate: []string{"x-c", "x-a"}}})})
	if names, open := e.Varies(); strings.Join(names, " ") != "authorization x-a x-c" || open {
		t.Errorf("%v %v", names, open)
	}
	e = New(Config{Headers: forward.Compile(forward.TraceForward, forward.Rules{Propagate: []string{"x-*"}}, []forward.Rules{{}})})
	if _, open := e.Varies(); !open {
		t.Error("a pattern names everything")
	}
}

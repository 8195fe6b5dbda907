package execute

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// shelf is the shop with answers that may be kept: a lists products, b tells how many there are of each.
type shelf struct {
	mu     sync.Mutex
	listed []string          // ids
	stock  map[string]int    // by id; none: null
	lines  map[string]string // of b's answers
	errors string            // of b's answers
	asked  []string          // what b was asked for
	during func()            // called while b is asked

	head  *wire.RequestHead // of the client
	user  string            // who asks
	store *cache.Store
	e     *Executor
	sg    *planner.Supergraph
}

func newShelf(t *testing.T, k Keeping, propagate ...string) *shelf {
	t.Helper()
	f := &shelf{listed: []string{"1", "2"}, stock: map[string]int{"1": 7, "2": 8, "3": 9}, lines: map[string]string{"Cache-Control": "max-age=60"}}
	a, b := httptest.NewServer(http.HandlerFunc(f.products)), httptest.NewServer(http.HandlerFunc(f.stocks))
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	sdl := strings.Replace(shop, "stock: Int @join__field(graph: B)", "stock(in: String): Int @join__field(graph: B)", 1)
	var err error
	if f.sg, err = planner.LoadSupergraph("shop", strings.NewReplacer("{a}", a.URL, "{b}", b.URL).Replace(sdl)); err != nil {
		t.Fatal(err)
	}
	var clients []*subgraph.Client
	for _, s := range f.sg.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: s.URL, Share: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		clients = append(clients, c)
	}
	if f.store, err = cache.Open(cache.Config{EarlyRefresh: -1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.store.Close() })
	k.Store = f.store
	rules := forward.Rules{Propagate: propagate}
	f.e = New(Config{Clients: clients, Keep: k, Headers: forward.Compile(forward.TraceForward, rules, []forward.Rules{{}, {}})})
	return f
}

func (f *shelf) products(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, id := range f.listed {
		list = append(list, fmt.Sprintf(`{"__typename":"Product","id":%q,"name":"N%s"}`, id, id))
	}
	_, _ = io.WriteString(w, `{"data":{"products":[`+strings.Join(list, ",")+`]}}`)
}

func (f *shelf) stocks(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Variables struct {
			R []struct{ ID string } `json:"_r"`
		}
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if f.during != nil {
		f.during()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, value := range f.lines {
		w.Header().Set(name, value)
	}
	var list []string
	for _, p := range body.Variables.R {
		f.asked = append(f.asked, p.ID)
		if n, ok := f.stock[p.ID]; ok {
			list = append(list, fmt.Sprintf(`{"stock":%d}`, n))
		} else {
			list = append(list, "null")
		}
	}
	_, _ = io.WriteString(w, `{"data":{"_entities":[`+strings.Join(list, ",")+`]}`+f.errors+`}`)
}

// ask returns the client's answer and the ids that b was asked for.
func (f *shelf) ask(t *testing.T, query, variables string) (answer, asked string) {
	t.Helper()
	f.mu.Lock()
	f.asked = nil
	f.mu.Unlock()
	p := planner.Build(f.sg.Schema(), query, "", planner.Options{})
	var v planner.Values
	if errs := p.Coerce([]byte(variables), &v); len(errs) > 0 {
		t.Fatal("the variables do not fit")
	}
	plan, err := p.Fetches(&v)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := f.e.Execute(t.Context(), &Request{Plan: plan, Values: &v, Head: f.head, User: []byte(f.user), Tenant: "acme"}, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.asked)
	return string(body), strings.Join(f.asked, " ")
}

// expect asks for names and stocks and compares.
func (f *shelf) expect(t *testing.T, asked string, stocks ...string) {
	t.Helper()
	var list []string
	for i, s := range stocks {
		list = append(list, fmt.Sprintf(`{"name":"N%s","stock":%s}`, f.listed[i], s))
	}
	want := `{"data":{"products":[` + strings.Join(list, ",") + `]}}`
	if got, did := f.ask(t, plain, ""); got != want || did != asked {
		t.Errorf("asked for %q, got %s\nwant %q, %s", did, got, asked, want)
	}
}

func (f *shelf) invalidate(t *testing.T, tags ...string) {
	t.Helper()
	if _, err := f.store.Invalidate(t.Context(), cache.Invalidation{Tags: tags}, time.Now().UnixNano()); err != nil {
		t.Fatal(err)
	}
}

func TestEntitiesAreKeptOneByOne(t *testing.T) {
	f := newShelf(t, Keeping{})
	f.expect(t, "1 2", "7", "8")
	f.expect(t, "", "7", "8")
	f.listed, f.stock["2"] = []string{"2", "3", "1", "3"}, 80
	f.expect(t, "3", "8", "9", "7", "9") // a batch is split
	f.invalidate(t, "Product:2")
	f.expect(t, "2", "80", "9", "7", "9")
	f.stock["1"], f.stock["3"] = 70, 90
	f.invalidate(t, "Product")
	f.expect(t, "1 2 3", "80", "90", "70", "90")
	f.invalidate(t, "@subgraph:b")
	f.expect(t, "1 2 3", "80", "90", "70", "90")
	f.invalidate(t, "Product:?") // what a mutation says of an entity whose key is not known is for others: this one's is
	f.expect(t, "", "80", "90", "70", "90")
}

// What the cache had and what it lacked make the hit rate of a subgraph; what was needed has its points either way.
func TestHitsAndMissesOfASubgraph(t *testing.T) {
	f := newShelf(t, Keeping{})
	f.expect(t, "1 2", "7", "8")
	f.listed = []string{"1", "2", "3"}
	f.expect(t, "3", "7", "8", "9")
	if st := f.e.cfg.Clients[1].Stats(); st.Misses != 3 || st.Cached != 2 {
		t.Errorf("%d found, %d not", st.Cached, st.Misses)
	}
	p := planner.Build(f.sg.Schema(), plain, "", planner.Options{})
	var v planner.Values
	p.Coerce(nil, &v)
	plan, err := p.Fetches(&v)
	if err != nil {
		t.Fatal(err)
	}
	q := &Request{Plan: plan, Values: &v, Points: []int64{1, 10}}
	if f.e.Execute(t.Context(), q, nil); len(q.Uses) != 2 || q.Uses[1].Cached != 3 || q.Uses[1].Fetches != 0 || q.Uses[0].Points != 1 || q.Uses[1].Points != 10 {
		t.Errorf("%+v", q.Uses)
	}
}

func TestWhatIsNotKept(t *testing.T) {
	for name, change := range map[string]func(*shelf){
		"no word":         func(f *shelf) { f.lines = nil },
		"no-store":        func(f *shelf) { f.lines["Cache-Control"] = "no-store, max-age=60" },
		"private":         func(f *shelf) { f.lines["Cache-Control"] = "private, max-age=60" },
		"a cookie":        func(f *shelf) { f.lines["Set-Cookie"] = "a=b" },
		"Vary of all":     func(f *shelf) { f.lines["Vary"] = "*" },
		"aged":            func(f *shelf) { f.lines["Age"] = "60" },
		"max-age of zero": func(f *shelf) { f.lines["Cache-Control"] = "max-age=0" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newShelf(t, Keeping{})
			change(f)
			f.expect(t, "1 2", "7", "8")
			f.stock["1"] = 70
			f.expect(t, "1 2", "70", "8")
		})
	}
	t.Run("errors", func(t *testing.T) {
		f := newShelf(t, Keeping{})
		f.errors = `,"errors":[{"message":"no","path":["_entities",0]}]`
		f.ask(t, plain, "")
		f.errors = ""
		f.expect(t, "1 2", "7", "8")
	})
	t.Run("null", func(t *testing.T) {
		f := newShelf(t, Keeping{})
		delete(f.stock, "1")
		f.expect(t, "1 2", "null", "8")
		f.expect(t, "1", "null", "8")
	})
	t.Run("by rule", func(t *testing.T) {
		f := newShelf(t, Keeping{Rules: []Rule{{}, {Off: true}}})
		f.expect(t, "1 2", "7", "8")
		f.expect(t, "1 2", "7", "8")
	})
}

func TestARuleGivesATimeWhereTheSubgraphSaysNothing(t *testing.T) {
	f := newShelf(t, Keeping{Rules: []Rule{{}, {TTL: time.Minute}}})
	f.lines = nil
	f.expect(t, "1 2", "7", "8")
	f.expect(t, "", "7", "8")
}

// What is invalidated while it is fetched is of before, whenever it comes.
func TestAnAnswerThatWasInvalidatedUnderWayIsNotKept(t *testing.T) {
	f := newShelf(t, Keeping{})
	f.during = func() { f.invalidate(t, "Product:1") }
	f.expect(t, "1 2", "7", "8")
	f.during = nil
	f.stock["1"] = 70
	f.expect(t, "1", "70", "8")
}

func TestArgumentsAreInTheKey(t *testing.T) {
	f := newShelf(t, Keeping{})
	query := `query($in: String) { products { stock(in: $in) } }`
	for _, variables := range []string{`{"in":"a"}`, `{"in":"b"}`, `{"in":null}`, `{}`} {
		if _, asked := f.ask(t, query, variables); asked != "1 2" {
			t.Errorf("%s: asked for %q", variables, asked)
		}
		if _, asked := f.ask(t, query, variables); asked != "" {
			t.Errorf("%s again: asked for %q", variables, asked)
		}
	}
}

// An error names the place in a request that had fewer entities than the operation.
func TestErrorsBesideWhatWasKept(t *testing.T) {
	f := newShelf(t, Keeping{})
	f.expect(t, "1 2", "7", "8")
	f.listed, f.errors = []string{"1", "3"}, `,"errors":[{"message":"no","path":["_entities",0,"stock"]}]`
	delete(f.stock, "3")
	want := `{"data":{"products":[{"name":"N1","stock":7},{"name":"N3","stock":null}]},"errors":[{"message":"no","path":["products",1,"stock"],"extensions":{"serviceName":"b"}}]}`
	if got, asked := f.ask(t, plain, ""); got != want || asked != "3" {
		t.Errorf("asked for %q, got %s\nwant %s", asked, got, want)
	}
}

// Two callers whose headers a subgraph gets never share; trace context is nobody's.
func TestCallersShareOnlyWhatNoHeaderTellsApart(t *testing.T) {
	f := newShelf(t, Keeping{}, "authorization")
	as := func(user, trace, asked string) {
		t.Helper()
		f.head = new(wire.RequestHead)
		text := "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: " + user + "\r\nTraceparent: " + trace + "\r\nX-Other: " + trace + "\r\n\r\n"
		if f.head.Parse([]byte(text), 1<<12) != wire.OK {
			t.Fatal(text)
		}
		f.expect(t, asked, fmt.Sprint(f.stock["1"]), fmt.Sprint(f.stock["2"]))
	}
	as("ann", "1", "1 2")
	as("ann", "2", "")
	f.stock["1"] = 70
	as("bob", "1", "1 2")
}

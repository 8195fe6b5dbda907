package line

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/outward"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sdl = `
type Book @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! title: String owner: Owner }
type Owner @cacheControl(maxAge: 30, scope: PRIVATE) { name: String }
type Query { book(id: ID!): Book  now: String @cacheControl(maxAge: 0)  any: String }
type Mutation { setBook(id: ID!, title: String): Book }
`

const noon = int64(1_800_000_000_000_000_000)

func schema(t testing.TB) *planner.Schema {
	t.Helper()
	s, err := planner.ParseSchema("schema.graphql", sdl)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testPolicy(t testing.TB) *policy.Policy {
	return (&policy.Policy{
		Service: "test", Paths: [][]byte{[]byte("/graphql")}, MaxBody: 1 << 20, MaxBatch: 3, BatchMode: policy.Enforce,
		Plans: planner.NewCache(planner.CacheConfig{Schema: schema(t)}),
		Cache: policy.Cache{
			Enabled: true, UpstreamHeaders: true, MaxTTL: time.Hour, AuthenticatedMax: 20 * time.Second, StaleIfError: 10 * time.Minute,
			NegativeTTL: 5 * time.Second, HitForMiss: time.Minute, MaxEntry: 1 << 20,
		},
	}).Seal()
}

// newLine returns a line whose policy is what p points to.
func newLine(t testing.TB, p **policy.Policy) *Line { return newLineOver(t, p, cache.Config{}) }

// newLineOver is newLine over a cache of that kind.
func newLineOver(t testing.TB, p **policy.Policy, cfg cache.Config) *Line {
	t.Helper()
	store, err := cache.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	tel, err := telemetry.New(telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Policy: func() *policy.Policy { return *p }, Cache: store, Telemetry: tel})
}

func jsonBody(query, variables string) []byte {
	if variables == "" {
		variables = "null"
	}
	q, _ := json.Marshal(query)
	return []byte(fmt.Sprintf(`{"query":%s,"variables":%s}`, q, variables))
}

const jsonLine = "Content-Type: application/json"

func TestKeysDifferWhenAnyPartDoes(t *testing.T) {
	base := testPolicy(t)
	current := base
	l := newLine(t, &current)
	const doc = `query A($id: ID!) { book(id: $id) { id title } }`
	rules, err := scope.Compile(t.Context(), scope.Config{Header: &scope.Header{Name: "X-User", Class: "user", VouchedBy: &scope.Vouched{Networks: []string{"127.0.0.1", "unix"}}}, Key: "secret"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(p *policy.Policy)) *policy.Policy {
		q := *base
		change(&q)
		return q.Seal()
	}
	vary := with(func(p *policy.Policy) { p.Cache.Vary = []string{"accept-language", "x-b"} })
	scoped := with(func(p *policy.Policy) { p.Scope = rules })
	type ask struct {
		name      string
		policy    *policy.Policy
		first     string
		query     string
		variables string
		lines     []string
	}
	post := "POST /graphql"
	asks := []ask{
		{"base", base, post, doc, `{"id":"1"}`, nil},
		{"variables", base, post, doc, `{"id":"2"}`, nil},
		{"document", base, post, `query A($id: ID!) { book(id: $id) { id } }`, `{"id":"1"}`, nil},
		{"operation name", base, post, `query B($id: ID!) { book(id: $id) { id title } }`, `{"id":"1"}`, nil},
		{"media", base, post, doc, `{"id":"1"}`, []string{"Accept: application/graphql-response+json"}},
		{"parameter", base, post + "?a=b", doc, `{"id":"1"}`, nil},
		{"parameter's value", base, post + "?a=c", doc, `{"id":"1"}`, nil},
		{"service", with(func(p *policy.Policy) { p.Service = "other" }), post, doc, `{"id":"1"}`, nil},
		{"path", with(func(p *policy.Policy) { p.Paths = [][]byte{[]byte("/two")} }), "POST /two", doc, `{"id":"1"}`, nil},
		{"vary, none sent", vary, post, doc, `{"id":"1"}`, nil},
		{"vary, first", vary, post, doc, `{"id":"1"}`, []string{"Accept-Language: de"}},
		{"vary, second", vary, post, doc, `{"id":"1"}`, []string{"X-B: de"}},
		{"forwarded host", base, post, doc, `{"id":"1"}`, []string{"X-Forwarded-Host: a"}},
		{"another forwarded host", base, post, doc, `{"id":"1"}`, []string{"X-Forwarded-Host: b"}},
		{"forwarded host, other header", base, post, doc, `{"id":"1"}`, []string{"X-Original-Host: b"}},
		{"two", base, post, doc, `{"id":"1"}`, []string{"X-Forwarded-Host: b", "X-Forwarded-Host: a"}},
		{"two as one", base, post, doc, `{"id":"1"}`, []string{"X-Forwarded-Host: b, a"}},
		{"forwarded", base, post, doc, `{"id":"1"}`, []string{"Forwarded: for=10.0.0.1;host=a"}},
		{"forwarded otherwise", base, post, doc, `{"id":"1"}`, []string{"Forwarded: for=10.0.0.1;host=b"}},
		{"absolute form", base, "POST http://a/graphql", doc, `{"id":"1"}`, nil},
		{"absolute form of another host", base, "POST http://b/graphql", doc, `{"id":"1"}`, nil},
		{"user 1", scoped, post, doc, `{"id":"1"}`, []string{"X-User: 1"}},
		{"user 2", scoped, post, doc, `{"id":"1"}`, []string{"X-User: 2"}},
	}
	seen := map[cache.Key]string{}
	var x Exchange
	for _, a := range asks {
		for round := range 2 { // the same again gives the same key
			current = a.policy
			body := jsonBody(a.query, a.variables)
			h := requestHead(t, a.first, append(a.lines, jsonLine, fmt.Sprintf("Content-Length: %d", len(body)))...)
			if class, _ := l.Begin(&x, h, noon); class != Post {
				t.Fatalf("%s: class %d", a.name, class)
			}
			if action, reason := l.Decide(context.Background(), &x, h, body, noon); action != Relay || reason != ReasonNone {
				t.Fatalf("%s: action %d, %s", a.name, action, reason)
			}
			k := x.Items[0].key
			if k == (cache.Key{}) {
				t.Fatalf("%s has no key", a.name)
			}
			if other, ok := seen[k]; ok != (round == 1) || ok && other != a.name {
				t.Errorf("%s, round %d: the key is %q's", a.name, round, other)
			}
			seen[k] = a.name
			l.AbandonFill(&x)
		}
	}
}

func TestLifetimes(t *testing.T) {
	const book, private, hint0, unhinted = `{ book(id: 1) { id } }`, `{ book(id: 1) { id owner { name } } }`, `{ now }`, `{ __typename }`
	user := scope.Scope{Class: scope.User, Authenticated: true}
	for _, c := range []struct {
		name, query string
		scope       scope.Scope
		lines       []string
		facts       planner.Facts
		change      func(x *Exchange)
		want        lifetime
		why         string
	}{
		{name: "hint", query: book, want: lifetime{ttl: time.Minute, stale: 10 * time.Minute}},
		{name: "hint of nothing", query: hint0, why: "ttl"},
		{name: "upstream restricts", query: book, lines: []string{"Cache-Control: max-age=10"}, want: lifetime{ttl: 10 * time.Second, stale: 10 * time.Minute, explicit: true}},
		{name: "upstream does not extend", query: book, lines: []string{"Cache-Control: max-age=1000"}, want: lifetime{ttl: time.Minute, stale: 10 * time.Minute, explicit: true}},
		{name: "shared age goes first", query: book, lines: []string{"Cache-Control: max-age=50, s-maxage=20"}, want: lifetime{ttl: 20 * time.Second, stale: 10 * time.Minute, explicit: true}},
		{name: "age counts", query: book, lines: []string{"Cache-Control: max-age=50", "Age: 20"}, want: lifetime{ttl: 30 * time.Second, stale: 10 * time.Minute, explicit: true}},
		{name: "too old", query: book, lines: []string{"Cache-Control: max-age=50", "Age: 50"}, why: "ttl"},
		{name: "no-store", query: book, lines: []string{"Cache-Control: no-store, max-age=50"}, why: "control"},
		{name: "no-cache", query: book, lines: []string{"Cache-Control: no-cache"}, why: "control"},
		{name: "private for all", query: book, lines: []string{"Cache-Control: private"}, why: "control"},
		{name: "private for one", query: book, scope: user, lines: []string{"Cache-Control: private"}, want: lifetime{ttl: 20 * time.Second, private: true, grouped: true, explicit: true}},
		{name: "credentials without a rule", query: book, scope: scope.Scope{Explicit: true}, lines: []string{"Cache-Control: max-age=9"}, why: "control"},
		{name: "credentials without a rule, no word", query: book, scope: scope.Scope{Explicit: true}, why: "control"},
		{name: "credentials without a rule, public", query: book, scope: scope.Scope{Explicit: true}, lines: []string{"Cache-Control: public, max-age=9"}, want: lifetime{ttl: 9 * time.Second, stale: 10 * time.Minute, explicit: true}},
		{name: "credentials without a rule, s-maxage", query: book, scope: scope.Scope{Explicit: true}, lines: []string{"Cache-Control: s-maxage=9"}, want: lifetime{ttl: 9 * time.Second, stale: 10 * time.Minute, explicit: true}},
		{name: "credentials without a rule, must-revalidate", query: book, scope: scope.Scope{Explicit: true}, lines: []string{"Cache-Control: must-revalidate"}, want: lifetime{ttl: time.Minute, explicit: true}},
		{name: "credentials without a rule, proxy-revalidate", query: book, scope: scope.Scope{Explicit: true}, lines: []string{"Cache-Control: proxy-revalidate"}, why: "control"},
		{name: "credentials without a rule, private", query: book, scope: scope.Scope{Explicit: true}, lines: []string{"Cache-Control: private, s-maxage=9"}, why: "control"},
		{name: "two lines", query: book, lines: []string{"Cache-Control: public", "Cache-Control: no-store"}, why: "control"},
		{name: "revalidate", query: book, lines: []string{"Cache-Control: must-revalidate"}, want: lifetime{ttl: time.Minute, explicit: true}},
		{name: "stale for less", query: book, lines: []string{"Cache-Control: stale-if-error=7"}, want: lifetime{ttl: time.Minute, stale: 7 * time.Second, explicit: true}},
		{name: "cookie", query: book, lines: []string{"Set-Cookie: a=b"}, why: "set_cookie"},
		{name: "vary on what is not in the key", query: book, lines: []string{"Vary: Origin"}, why: "vary"},
		{name: "vary on all", query: book, lines: []string{"Vary: accept, *"}, why: "vary"},
		{name: "vary in two lines", query: book, lines: []string{"Vary: accept", "Vary: accept-encoding"}, want: lifetime{ttl: time.Minute, stale: 10 * time.Minute}},
		{name: "vary on all in the second line", query: book, lines: []string{"Vary: accept", "Vary: *"}, why: "vary"},
		{name: "vary on credentials, without any", query: book, lines: []string{"Vary: Authorization, Cookie"}, want: lifetime{ttl: time.Minute, stale: 10 * time.Minute}},
		{name: "vary on credentials, for one", query: book, scope: user, lines: []string{"Vary: Authorization"}, want: lifetime{ttl: 20 * time.Second, private: true, grouped: true}},
		{name: "vary on credentials, for a tenant", query: book, scope: scope.Scope{Class: scope.Tenant, Authenticated: true}, lines: []string{"Vary: Authorization"}, why: "vary"},
		{name: "vary on what does not matter", query: book, lines: []string{"Vary: Accept-Encoding, Accept"}, want: lifetime{ttl: time.Minute, stale: 10 * time.Minute}},
		{name: "authenticated", query: book, scope: scope.Scope{Class: scope.Tenant, Authenticated: true}, want: lifetime{ttl: 20 * time.Second, stale: 10 * time.Minute, grouped: true}},
		{name: "private hint", query: private, scope: user, want: lifetime{ttl: 20 * time.Second, private: true, grouped: true}},
		{name: "negative", query: book, facts: planner.Facts{Negative: true}, want: lifetime{ttl: 5 * time.Second, stale: 10 * time.Minute}},
		{name: "bounded by policy", query: book, change: func(x *Exchange) { x.Policy.Cache.MaxTTL = time.Second }, want: lifetime{ttl: time.Second, stale: 10 * time.Minute}},
		{name: "lease", query: book, change: func(x *Exchange) { x.Items[0].Lease = &policy.Lease{TTL: 2 * time.Minute} }, want: lifetime{ttl: 2 * time.Minute, stale: 10 * time.Minute}},
		{name: "upstream grants", query: unhinted, lines: []string{"Cache-Control: max-age=9"}, want: lifetime{ttl: 9 * time.Second, stale: 10 * time.Minute, explicit: true}},
		{name: "nobody grants", query: unhinted, why: "ttl"},
		{name: "upstream is not heard", query: book, lines: []string{"Cache-Control: no-store"}, change: func(x *Exchange) { x.Policy.Cache.UpstreamHeaders = false }, want: lifetime{ttl: time.Minute, stale: 10 * time.Minute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPolicy(t)
			l := newLine(t, &p)
			x := &Exchange{Policy: p, Scope: c.scope}
			x.next().Plan = planner.Build(schema(t), c.query, "", planner.Options{})
			x.Items[0].class = c.scope.Class
			if c.change != nil {
				c.change(x)
			}
			life, why := l.lifetime(x, &x.Items[0], responseHead(t, 200, c.lines...), c.facts, noon)
			life = lifetime{ttl: life.ttl, stale: life.stale, private: life.private, grouped: life.grouped, explicit: life.explicit}
			if why != c.why || why == "" && life != c.want {
				t.Errorf("%+v %q, want %+v %q", life, why, c.want, c.why)
			}
		})
	}
}

func TestStoredLinesAreTheOriginsWithoutThoseOfAConnection(t *testing.T) {
	r := responseHead(t, 200, "Content-Type: application/json", "X-B: 1", "x-b: 2", "Date: now", "Age: 3", "ETag: \"x\"", "Connection: X-Hop, close",
		"X-Hop: 1", "Keep-Alive: 5", "Content-Encoding: gzip", "Set-Cookie: a=b", "Cache-Status: up; hit", "Access-Control-Allow-Origin: *")
	kept := "Content-Type: application/json\r\nX-B: 1\r\nx-b: 2\r\nAccess-Control-Allow-Origin: *\r\n"
	for _, c := range []struct {
		life  lifetime
		batch bool
		want  string
	}{
		{lifetime{ttl: time.Minute}, false, kept + "Cache-Control: max-age=60, public\r\n"},
		{lifetime{ttl: time.Minute, private: true}, false, kept + "Cache-Control: max-age=60, private\r\n"},
		{lifetime{ttl: time.Minute, grouped: true}, false, kept + "Cache-Control: max-age=60, private\r\n"},
		{lifetime{ttl: time.Minute, explicit: true}, false, kept},
		{lifetime{ttl: time.Minute}, true, kept},
	} {
		if got := string(storedLines(nil, r, c.life, &outward.Policy{}, 0, c.batch)); got != c.want {
			t.Errorf("%+v: %q", c.life, got)
		}
	}
}

func TestDecodingIsBounded(t *testing.T) {
	zip := func(n int) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(bytes.Repeat([]byte{'a'}, n))
		_ = w.Close()
		return b.Bytes()
	}
	x := &Exchange{Policy: testPolicy(t)}
	r := responseHead(t, 200, "Content-Encoding: gzip")
	if out, ok := x.decoded(r, zip(1<<20)); !ok || len(out) != 1<<20 {
		t.Errorf("%d bytes, %v: an answer within the limit", len(out), ok)
	}
	if out, ok := x.decoded(r, zip(1<<20+1)); ok {
		t.Errorf("%d bytes: more than the limit", len(out))
	}
	for name, content := range map[string][]byte{"none": nil, "cut": zip(1000)[:20], "not gzip": []byte("{}")} {
		if _, ok := x.decoded(r, content); ok {
			t.Errorf("%s was decoded", name)
		}
	}
	if out, ok := x.decoded(responseHead(t, 200, "Content-Encoding: identity"), []byte("{}")); !ok || string(out) != "{}" {
		t.Errorf("identity: %q %v", out, ok)
	}
}

func TestLimitsHoldForEachItemOfABatch(t *testing.T) {
	p := testPolicy(t)
	p.Introspection, p.GetMutation = policy.Enforce, policy.Enforce
	l := newLine(t, &p)
	decide := func(first string, body []byte, lines ...string) (*Exchange, Action) {
		x := new(Exchange)
		if body != nil {
			lines = append(lines, jsonLine, fmt.Sprintf("Content-Length: %d", len(body)))
		}
		h := requestHead(t, first, lines...)
		l.Begin(x, h, noon)
		action, _ := l.Decide(context.Background(), x, h, body, noon)
		l.AbandonFill(x)
		return x, action
	}
	one, introspect := jsonBody(`{ now }`, ""), jsonBody(`{ __schema { types { name } } }`, "")
	batch := func(items ...[]byte) []byte { return []byte("[" + string(bytes.Join(items, []byte(","))) + "]") }
	for _, c := range []struct {
		name   string
		first  string
		body   []byte
		action Action
		code   codes.Code
	}{
		{"within", "POST /graphql", batch(one, one), Relay, codes.None},
		{"an item introspects", "POST /graphql", batch(one, introspect), Refuse, codes.IntrospectionDisabled},
		{"too many", "POST /graphql", batch(one, one, one, one), Refuse, codes.BatchTooLarge},
		{"mutation by GET", "GET /graphql?query=mutation+{setBook(id:1){id}}", nil, Refuse, codes.GetMutation},
		{"no JSON is the origin's to refuse", "POST /graphql", []byte("{"), Relay, codes.None},
	} {
		if x, action := decide(c.first, c.body); action != c.action || x.Refusal.Code != c.code {
			t.Errorf("%s: action %d, code %s", c.name, action, x.Refusal.Code)
		}
	}
	if n := l.Stats().Limits["batch"]; n != 1 {
		t.Errorf("counted %d batches", n)
	}
}

func TestGetHitAllocatesNothing(t *testing.T) {
	p := testPolicy(t)
	l := newLine(t, &p)
	const body = `{"data":{"book":{"id":"1"}}}`
	h := requestHead(t, "GET /graphql?query=%7Bbook(id:1)%7Bid%7D%7D", jsonLine)
	r := responseHead(t, 200, jsonLine)
	var x Exchange
	ctx := context.Background()
	l.Begin(&x, h, noon)
	l.Decide(ctx, &x, h, nil, noon)
	l.Watch(&x, r)
	l.Finish(ctx, &x, r, []byte(body), noon)
	hit := func() {
		l.Begin(&x, h, noon)
		if action, _ := l.Decide(ctx, &x, h, nil, noon); action != Answer {
			t.Fatalf("action %d", action)
		}
		l.Emit(&x, noon)
	}
	hit()
	if n := testing.AllocsPerRun(1000, hit); n > spare {
		t.Errorf("%v allocations", n)
	}
	if !strings.HasPrefix(string(x.Items[0].Entry.Body), `{"data"`) {
		t.Errorf("%s", x.Items[0].Entry.Body)
	}
}

// TestAddressesOfForwardedAreNotInTheKey: they differ with each client.
func TestAddressesOfForwardedAreNotInTheKey(t *testing.T) {
	for value, want := range map[string]string{
		"for=10.0.0.1;host=a;proto=https": "\x06host=a\x0bproto=https", "For=[::1]; BY=_x; host=a, for=2": "\x06host=a", "for=1": "", "": "", ";;,": "",
	} {
		if got := string(appendForwarded(nil, []byte(value))); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

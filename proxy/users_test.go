package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

const crowdSchema = `
type Me @cacheControl(maxAge: 60, scope: PRIVATE) { name: String }
type Product @cacheControl(maxAge: 60) { name: String }
type News @cacheControl(maxAge: 60) { text: String }
type Note @cacheControl(maxAge: 60) { text: String }
type Card @cacheControl(maxAge: 60) { text: String }
union Feed = Me | News
type Query { me: Me product: Product news: News note: Note card: Card greeting: News feed: Feed @cacheControl(maxAge: 60) }
`

// crowd is a service with many users, who all ask the same: each answer says for whom it was made.
type crowd struct {
	mu     sync.RWMutex
	tokens map[string]member // that were issued
	asked  atomic.Int64
	keys   atomic.Pointer[string] // JSON Web Key Set
}

type member struct{ user, org, roles string }

func (m member) claims() jwt.MapClaims {
	return jwt.MapClaims{"iss": "https://issuer", "sub": m.user, "org": m.org, "realm": map[string]any{"roles": []string{m.roles}}}
}

// operations are the queries and what their answers depend on.
var crowdOperations = []struct {
	query, field, lines string
	of                  func(m member, language string) string
}{
	{`{ me { __typename name } }`, "me", "", func(m member, _ string) string { return m.user }},
	{`{ product { __typename name } }`, "product", "", func(m member, _ string) string { return m.org }},
	{`{ news { __typename text } }`, "news", "", func(member, string) string { return "all" }},
	{`{ note { __typename text } }`, "note", "", func(m member, _ string) string { return m.user + m.org + m.roles }},
	{`{ card { __typename text } }`, "card", "Cache-Control: private, max-age=60", func(m member, _ string) string { return m.user }},
	{`{ greeting { __typename text } }`, "greeting", "Vary: Accept-Language", func(_ member, l string) string { return l }},
	{`{ feed { __typename ... on Me { name } } }`, "feed", "", func(m member, _ string) string { return m.user }},
	{`query Roles { product { __typename name } }`, "product", "", func(m member, _ string) string { return m.org + m.roles }},
}

func (c *crowd) who(authorization string) member {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if m, ok := c.tokens[authorization]; ok {
		return m
	}
	return member{"nobody", "none", "none"}
}

// answer is the whole answer to an operation.
func (c *crowd) answer(op int, authorization, language string) string {
	o := &crowdOperations[op]
	typeName := map[string]string{"me": "Me", "product": "Product", "news": "News", "note": "Note", "card": "Card", "greeting": "News", "feed": "Me"}[o.field]
	field := "text"
	if strings.Contains(o.query, "name }") {
		field = "name"
	}
	return fmt.Sprintf(`{"data":{%q:{"__typename":%q,%q:%q}}}`, o.field, typeName, field, o.of(c.who(authorization), language))
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/keys" {
		_, _ = io.WriteString(w, *c.keys.Load())
		return
	}
	body, _ := io.ReadAll(r.Body)
	c.asked.Add(1)
	for op := range crowdOperations {
		o := &crowdOperations[op]
		if strings.Contains(string(body), fmt.Sprintf("%q", o.query)) {
			w.Header().Set("Content-Type", "application/json")
			if name, value, ok := strings.Cut(o.lines, ": "); ok {
				w.Header().Set(name, value)
			}
			_, _ = io.WriteString(w, c.answer(op, r.Header.Get("Authorization"), r.Header.Get("Accept-Language")))
			return
		}
	}
	http.NotFound(w, r)
}

// issue signs a token for each member and lets the service know it.
func (c *crowd) issue(t *testing.T, s signer, members []member) []string {
	t.Helper()
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = s.token(t, m.claims())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range members {
		c.tokens[out[i]] = m
	}
	return out
}

// TestNobodyGetsTheAnswerOfAnother: 200 users of 10 tenants ask the same operations at once through one sidecar, among them forged tokens and
// requests without any, and the provider rotates its key in the middle. Every answer must be the one that the service has for who asks.
func TestNobodyGetsTheAnswerOfAnother(t *testing.T) {
	c := &crowd{tokens: map[string]member{}}
	first, second, forger := newSigner(t, "1"), newSigner(t, "2"), newSigner(t, "1")
	c.keys.Store(first.set(t))
	service := httptest.NewServer(c)
	t.Cleanup(service.Close)
	r := start(t, configuration(t, service.URL, func(f *config.File) {
		write(t, f.Schema, crowdSchema)
		f.Policy.Scope = scope.Config{
			JWT: &scope.JWT{
				Algorithms: []string{"ES256"}, JWKSURL: service.URL + "/keys", Issuer: "https://issuer", Class: "user", Claim: "sub", TenantClaim: "org", RolesClaim: "realm.roles",
			},
			Types:      map[string]string{"Product": "tenant", "News": "public", "Card": "public"},
			Operations: map[string]string{"Roles": "roles"}, Key: "k",
		}
		f.Policy.Cache.HitForMiss = "1s"
	}))
	members := make([]member, 200)
	for i := range members {
		members[i] = member{fmt.Sprint("user", i%150), fmt.Sprint("org", i%10), fmt.Sprint("role", i%3)} // some names are in two tenants' use
	}
	old, forged := c.issue(t, first, members), make([]string, 20)
	for i := range forged {
		forged[i] = forger.token(t, members[i].claims())
	}
	l := &crowdLoad{t: t, c: c, address: r.address, forged: forged}
	r.keyed(1)
	l.round(old, 2)
	renewed := c.issue(t, second, members)
	c.keys.Store(second.set(t)) // the tokens of the old key are good for the service still
	l.round(append(renewed[:len(renewed):len(renewed)], old[:20]...), 3)
	hits, verified := int(l.hits.Load()), r.metric("weir_scope_verified_total")
	t.Logf("%d requests, %d hits, %d to the origin, %d wrong answers; %v tokens looked at", l.sent.Load(), hits, c.asked.Load(), l.wrong.Load(), verified)
	if l.wrong.Load() > 0 || int64(hits)*2 < l.sent.Load() {
		t.Errorf("%d wrong answers, %d hits of %d", l.wrong.Load(), hits, l.sent.Load())
	}
	if r.metric(`weir_scope_bypass_total{reason="unknown_key"}`) == 0 || r.metric(`weir_scope_bypass_total{reason="untrusted_token"}`) == 0 {
		t.Error("no token of a withdrawn key, or no forged one, passed the cache")
	}
}

// crowdLoad sends requests and compares the answers.
type crowdLoad struct {
	t                 *testing.T
	c                 *crowd
	address           string
	forged            []string
	sent, hits, wrong atomic.Int64
}

// round lets each token ask each operation several times, from 16 connections at once.
func (l *crowdLoad) round(tokens []string, times int) {
	type request struct {
		op             int
		authorization  string
		acceptLanguage string
	}
	requests := make(chan request)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for q := range requests {
				l.ask(client, q.op, q.authorization, q.acceptLanguage)
			}
		})
	}
	for range times {
		for i, token := range tokens {
			for op := range crowdOperations {
				requests <- request{op, token, [...]string{"de", "en", ""}[i%3]}
			}
			if i%10 == 0 {
				requests <- request{i % len(crowdOperations), l.forged[i%len(l.forged)], "de"}
				requests <- request{i / 10 % len(crowdOperations), "", "de"}
			}
		}
	}
	close(requests)
	workers.Wait()
}

func (l *crowdLoad) ask(client *http.Client, op int, authorization, language string) {
	body := fmt.Sprintf(`{"query":%q}`, crowdOperations[op].query)
	q, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+l.address+"/graphql", strings.NewReader(body))
	if err != nil {
		l.t.Error(err)
		return
	}
	q.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		q.Header.Set("Authorization", authorization)
	}
	if language != "" {
		q.Header.Set("Accept-Language", language)
	}
	a, err := client.Do(q)
	if err != nil {
		l.t.Error(err)
		return
	}
	defer a.Body.Close()
	got, err := io.ReadAll(a.Body)
	l.sent.Add(1)
	if want := l.c.answer(op, authorization, language); err != nil || string(got) != want {
		if l.wrong.Add(1) <= 5 {
			l.t.Errorf("%s of %+v: %v %s\nwant %s\n%v", crowdOperations[op].query, l.c.who(authorization), err, got, want, a.Header)
		}
	}
	if strings.Contains(a.Header.Get("Cache-Status"), "; hit") {
		l.hits.Add(1)
	}
}

// crowdRig is a sidecar before a crowd, with what it takes to be one of them.
func crowdRig(t *testing.T, change func(*scope.Config)) (r *rig, c *crowd, s signer) {
	t.Helper()
	c, s = &crowd{tokens: map[string]member{}}, newSigner(t, "1")
	c.keys.Store(s.set(t))
	service := httptest.NewServer(c)
	t.Cleanup(service.Close)
	r = start(t, configuration(t, service.URL, func(f *config.File) {
		write(t, f.Schema, crowdSchema)
		f.Policy.Scope.JWT = &scope.JWT{Algorithms: []string{"ES256"}, JWKSURL: service.URL + "/keys", Issuer: "https://issuer", Class: "user", Claim: "sub", TenantClaim: "org"}
		f.Policy.Scope.Types = map[string]string{"Product": "tenant", "News": "public"}
		if change != nil {
			change(&f.Policy.Scope)
		}
	}))
	return r, c, s
}

func TestATenantsAnswersAreInvalidatedByItsName(t *testing.T) {
	r, c, s := crowdRig(t, nil)
	tokens := c.issue(t, s, []member{{"ann", "acme", ""}, {"bob", "acme", ""}, {"cy", "other", ""}})
	r.keyed(1)
	l := &crowdLoad{t: t, c: c, address: r.address}
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	// hit reports whether an operation of somebody is answered from the cache.
	hit := func(op, who int) bool {
		before := l.hits.Load()
		l.ask(client, op, tokens[who], "")
		return l.hits.Load() > before
	}
	const me, product, news = 0, 1, 2
	for who := range tokens {
		for _, op := range []int{me, product, news} {
			eventually(t, "a hit", func() bool { return hit(op, who) })
		}
	}
	if _, text := do(t, r.admin, http.MethodPost, "/cache/invalidate", `{"tenants":["acme"]}`); !strings.Contains(text, `"`) || l.wrong.Load() > 0 {
		t.Errorf("%s, %d wrong answers", text, l.wrong.Load())
	}
	for name, got := range map[string]bool{"ann's own": hit(me, 0), "bob's own": hit(me, 1), "acme's": hit(product, 0)} {
		if got {
			t.Errorf("%s is still there", name)
		}
	}
	for name, got := range map[string]bool{"cy's own": hit(me, 2), "the other tenant's": hit(product, 2), "everybody's": hit(news, 0)} {
		if !got {
			t.Errorf("%s is gone, too", name)
		}
	}
}

func TestHeaderOfAStrangerIsNotTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		networks []string
		kept     bool
	}{"the proxy in front": {[]string{"127.0.0.1"}, true}, "a stranger": {[]string{"10.0.0.0/8", "unix"}, false}} {
		r, _, _ := crowdRig(t, func(s *scope.Config) {
			s.JWT = nil
			s.Types = nil
			s.Header = &scope.Header{Name: "X-User", Class: "user", VouchedBy: &scope.Vouched{Networks: c.networks}}
		})
		ask := func() string {
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.address+"/graphql", strings.NewReader(fmt.Sprintf(`{"query":%q}`, crowdOperations[0].query)))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/json")
			q.Header.Set("X-User", "ann")
			a, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Body.Close()
			return a.Header.Get("Cache-Status")
		}
		if c.kept {
			eventually(t, "a hit", func() bool { return strings.Contains(ask(), "; hit") })
			continue
		}
		for range 3 {
			if status := ask(); !strings.Contains(status, "fwd=bypass") {
				t.Errorf("%s: %s", name, status)
			}
		}
		if r.metric(`weir_scope_bypass_total{reason="unvouched_header"}`) != 3 {
			t.Error("not counted")
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSharedTierWithoutASecretForIdentitiesIsTold(t *testing.T) {
	for key, want := range map[string]int{"": 1, "secret": 0} {
		r := start(t, configuration(t, newOrigin(t).URL, func(f *config.File) {
			f.Redis = config.List{"127.0.0.1:1"}
			f.Policy.Scope = scope.Config{IgnoreCookies: true, Key: key}
		}))
		if n := r.log.count("policy.scope.key is empty"); n != want {
			t.Errorf("key %q: told %d times", key, n)
		}
	}
}

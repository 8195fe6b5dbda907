package line

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/telemetry"
)

type asker struct {
	t *testing.T
	l *Line
	x Exchange
}

// ask sends one request through the stages and answers it with the given lines when it is not answered from the cache.
func (a *asker) ask(query string, request []string, answer []string) (s telemetry.CacheStatus, k cache.Key) {
	a.t.Helper()
	body := jsonBody(query, "")
	h := requestHead(a.t, "POST /graphql", append(request, jsonLine, fmt.Sprintf("Content-Length: %d", len(body)))...)
	a.l.Begin(&a.x, h, noon)
	a.x.Peer = netip.MustParseAddr("127.0.0.1")
	action, reason := a.l.Decide(context.Background(), &a.x, h, body, noon)
	if reason != ReasonNone {
		a.t.Fatalf("%s: %s", query, reason)
	}
	k = a.x.Items[0].key
	if action == Relay {
		r := responseHead(a.t, 200, append(answer, jsonLine)...)
		a.x.Forwarded, a.x.Fetches = noon, 1
		a.l.Watch(&a.x, r)
		a.l.Finish(context.Background(), &a.x, r, []byte(`{"data":{"book":{"__typename":"Book","id":"1","title":"a"}}}`), noon)
	}
	s = a.x.Items[0].Status
	a.l.Emit(&a.x, noon)
	return s, k
}

// tenants is a policy whose trusted header names a group of the class.
func tenants(t *testing.T, class string, shares map[string]planner.Share) *policy.Policy {
	t.Helper()
	p := testPolicy(t)
	p.Scope = rulesOf(t, "X-Who", class)
	p.Plans = planner.NewCache(planner.CacheConfig{Schema: schema(t), Options: planner.Options{Shares: shares}})
	return p.Seal()
}

func trusting(t *testing.T, name string) *scope.Rules { return rulesOf(t, name, "user") }

func rulesOf(t *testing.T, name, class string) *scope.Rules {
	t.Helper()
	rules, err := scope.Compile(t.Context(), scope.Config{Header: &scope.Header{Name: name, Class: class, VouchedBy: &scope.Vouched{Networks: []string{"127.0.0.1"}}}, Key: "k"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

const bookOf1 = `{ book(id: 1) { id title } }`

func TestVaryIsLearntAndKeepsVariantsApart(t *testing.T) {
	p := testPolicy(t)
	a := &asker{t: t, l: newLine(t, &p)}
	german, english, vary := []string{"Accept-Language: de"}, []string{"Accept-Language: en"}, []string{"Vary: Accept-Language, Accept-Encoding"}
	want := func(name string, request, answer []string, want telemetry.CacheStatus) cache.Key {
		t.Helper()
		got, k := a.ask(bookOf1, request, answer)
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		return k
	}
	want("the first answer teaches", german, vary, telemetry.Miss)
	de := want("the second is kept", german, vary, telemetry.Miss)
	en := want("another variant is not answered by it", english, vary, telemetry.Miss)
	none := want("nor one without the header", nil, vary, telemetry.Miss)
	empty := want("nor one with an empty header", []string{"Accept-Language:"}, vary, telemetry.Miss)
	if de == en || de == none || en == none || empty == none {
		t.Error("two variants have one key")
	}
	want("German again", german, vary, telemetry.Hit)
	want("English again", english, vary, telemetry.Hit)
	want("twice the header", append(german, english...), vary, telemetry.Bypass)
	want("one more header", german, []string{"Vary: accept-language, X-B"}, telemetry.Hit)

	other := `{ book(id: 2) { id title } }`
	if s, _ := a.ask(other, german, nil); s != telemetry.Miss {
		t.Error(s)
	}
	if s, _ := a.ask(other, english, nil); s != telemetry.Hit {
		t.Errorf("another operation has learnt from this one: %s", s)
	}
}

func TestVaryStarTeachesNothing(t *testing.T) {
	p := testPolicy(t)
	a := &asker{t: t, l: newLine(t, &p)}
	for _, lines := range [][]string{{"Vary: *"}, {"Vary: X-A, *"}, {"Vary: X-A", "Vary: *"}, {"Vary: 1,2,3,4,5,6,7,8,9"}} {
		a.ask(bookOf1, nil, lines)
		if got := a.x.Policy.Plans.Stats(); got.Plans != 1 {
			t.Fatalf("%d plans", got.Plans)
		}
	}
	if s, _ := a.ask(bookOf1, nil, nil); s == telemetry.Hit {
		t.Error("an answer with Vary: * was kept")
	}
}

func TestVariantsAreBounded(t *testing.T) {
	p := testPolicy(t)
	p.Cache.HitForMiss = 0
	a := &asker{t: t, l: newLine(t, &p)}
	ask := func(i int) telemetry.CacheStatus {
		s, _ := a.ask(bookOf1, []string{fmt.Sprintf("X-Device: %d", i)}, []string{"Vary: X-Device"})
		return s
	}
	hits := 0
	ask(0)
	for i := range 2 * planner.MaxVariants {
		ask(i)
		if ask(i) == telemetry.Hit {
			hits++
		}
	}
	if hits != planner.MaxVariants || a.l.Stats().NotStored["variants"] == 0 {
		t.Errorf("%d variants are kept, %v", hits, a.l.Stats().NotStored)
	}
}

func TestPrivateAnswersTeachTheUserScope(t *testing.T) {
	// Policy shares Book with everybody; the upstream knows better.
	p := tenants(t, "user", map[string]planner.Share{"Book": planner.SharePublic})
	a := &asker{t: t, l: newLine(t, &p)}
	ann, bob, private := []string{"X-Who: ann"}, []string{"X-Who: bob"}, []string{"Cache-Control: private, max-age=60"}
	if s, _ := a.ask(bookOf1, ann, private); s != telemetry.Miss || a.x.Items[0].class != scope.Public {
		t.Errorf("%s, %s", s, a.x.Items[0].class)
	}
	_, annKey := a.ask(bookOf1, ann, private)
	if a.x.Items[0].class != scope.User {
		t.Errorf("nothing was learnt: %s", a.x.Items[0].class)
	}
	if s, k := a.ask(bookOf1, bob, private); s != telemetry.Miss || k == annKey {
		t.Errorf("bob: %s", s)
	}
	if s, _ := a.ask(bookOf1, ann, private); s != telemetry.Hit {
		t.Errorf("ann again: %s", s)
	}
	if s, _ := a.ask(bookOf1, nil, private); s == telemetry.Hit || a.x.Items[0].class != scope.Public {
		t.Errorf("nobody: %s, %s", s, a.x.Items[0].class)
	}
	a.ask(bookOf1, nil, []string{"Cache-Control: no-store, private"}) // teaches nothing
}

func TestWhoMayShare(t *testing.T) {
	private := `{ book(id: 1) { id owner { name } } }`
	for _, c := range []struct {
		name, class, query string
		shares             map[string]planner.Share
		request            []string
		want               scope.Class
		bypass             bool
	}{
		{"nobody", "user", bookOf1, nil, nil, scope.Public, false},
		{"a user", "user", bookOf1, nil, []string{"X-Who: a"}, scope.User, false},
		{"a tenant", "tenant", bookOf1, nil, []string{"X-Who: a"}, scope.Tenant, false},
		{"what is public by policy", "user", bookOf1, map[string]planner.Share{"Book": planner.SharePublic}, []string{"X-Who: a"}, scope.Public, false},
		{"what is a user's by policy, for a tenant", "tenant", bookOf1, map[string]planner.Share{"Book": planner.ShareUser}, []string{"X-Who: a"}, scope.User, true},
		{"what is a tenant's by policy, for nobody", "tenant", bookOf1, map[string]planner.Share{"Book": planner.ShareTenant}, nil, scope.Tenant, true},
		{"what is private, for nobody", "user", private, nil, nil, scope.User, true},
		{"what is private, for a tenant", "tenant", private, nil, []string{"X-Who: a"}, scope.User, true},
		{"what is private, for one", "user", private, map[string]planner.Share{"Book": planner.SharePublic, "Owner": planner.SharePublic}, []string{"X-Who: a"}, scope.User, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := tenants(t, c.class, c.shares)
			a := &asker{t: t, l: newLine(t, &p)}
			s, k := a.ask(c.query, c.request, nil)
			if a.x.Items[0].class != c.want || (s == telemetry.Bypass) != c.bypass || (k == cache.Key{}) != c.bypass {
				t.Errorf("%s, %s", a.x.Items[0].class, s)
			}
			if n := a.l.Stats().ScopeBypass["no_identity"]; (n == 1) != c.bypass {
				t.Errorf("%d without an identity", n)
			}
		})
	}
}

// Credentials that no rule reads share what the upstream calls everybody's in so many words, and never what was kept for who has none: that needed no
// such words.
func TestCredentialsThatNoRuleReadsHaveKeysOfTheirOwn(t *testing.T) {
	p := testPolicy(t)
	p.Cache.HitForMiss = 0
	var err error
	if p.Scope, err = scope.Compile(t.Context(), scope.Config{AuthorizedPublic: true}, nil); err != nil {
		t.Fatal(err)
	}
	p.Seal()
	a := &asker{t: t, l: newLine(t, &p)}
	given, silent, public := []string{"Authorization: Basic eDp5"}, []string{"Cache-Control: max-age=60"}, []string{"Cache-Control: public, max-age=60"}
	for i, c := range []struct {
		request, answer []string
		want            telemetry.CacheStatus
	}{
		{nil, silent, telemetry.Miss},
		{nil, silent, telemetry.Hit},
		{given, silent, telemetry.Miss},
		{given, silent, telemetry.Miss}, // it was not kept
		{given, public, telemetry.Miss},
		{given, public, telemetry.Hit},
		{nil, silent, telemetry.Hit},
	} {
		if got, _ := a.ask(bookOf1, c.request, c.answer); got != c.want {
			t.Errorf("request %d: %s, want %s", i, got, c.want)
		}
	}
}

// TestHeadersThatTellWhoTheClientIs: what looks like an identity and is read by nobody keeps the request out of the cache.
func TestHeadersThatTellWhoTheClientIs(t *testing.T) {
	ignoring, err := scope.Compile(t.Context(), scope.Config{IgnoreHeaders: []string{"X-User-Id"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lines  []string
		change func(p *policy.Policy)
		want   telemetry.CacheStatus
	}{
		"an API key":              {[]string{"X-API-Key: a"}, nil, telemetry.Bypass},
		"set by a proxy in front": {[]string{"X-Auth-Request-User: ann"}, nil, telemetry.Bypass},
		"a tenant":                {[]string{"x-tenant-id: a"}, nil, telemetry.Bypass},
		"in the key":              {[]string{"X-API-Key: a"}, func(p *policy.Policy) { p.Cache.Vary = []string{"x-api-key"} }, telemetry.Miss},
		"said not to matter":      {[]string{"X-User-ID: a"}, func(p *policy.Policy) { p.Scope = ignoring }, telemetry.Miss},
		"one of two that matters": {[]string{"X-User-ID: a", "X-Api-Key: a"}, func(p *policy.Policy) { p.Scope = ignoring }, telemetry.Bypass},
		"the trusted header":      {[]string{"X-User: a"}, func(p *policy.Policy) { p.Scope = trusting(t, "X-User") }, telemetry.Miss},
		"beside a trusted header": {[]string{"X-User: a", "X-Role: admin"}, func(p *policy.Policy) { p.Scope = trusting(t, "X-User") }, telemetry.Bypass},
		"nothing of the kind":     {[]string{"X-Request-Id: 5", "X-Client: web"}, nil, telemetry.Miss},
	} {
		p := testPolicy(t)
		if c.change != nil {
			c.change(p)
		}
		p.Seal()
		a := &asker{t: t, l: newLine(t, &p)}
		if s, _ := a.ask(bookOf1, c.lines, nil); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
		if n := a.l.Stats().ScopeBypass["unread_header"]; (n == 1) != (c.want == telemetry.Bypass) {
			t.Errorf("%s: counted %d times", name, n)
		}
	}
}

func TestNarrowerAnswersAreNoOneElses(t *testing.T) {
	p := tenants(t, "tenant", nil)
	a := &asker{t: t, l: newLine(t, &p)}
	one, two := []string{"X-Who: one"}, []string{"X-Who: two"}
	a.ask(bookOf1, one, nil)
	if s, _ := a.ask(bookOf1, two, nil); s != telemetry.Miss {
		t.Errorf("two tenants share: %s", s)
	}
	if s, _ := a.ask(bookOf1, nil, nil); s != telemetry.Miss {
		t.Errorf("a tenant's answer is everybody's: %s", s)
	}
	if s, _ := a.ask(bookOf1, one, nil); s != telemetry.Hit {
		t.Errorf("the tenant: %s", s)
	}
	entry := a.x.Items[0].Entry
	if entry == nil || !bytes.Contains(entry.Head, []byte("Cache-Control: max-age=20, private")) {
		t.Errorf("caches on the way may share it: %q", entry.Head)
	}
}

// TestKeysOfTwoIdentitiesDiffer: two requests that differ in their credentials, or in a header that answers are known to differ by, never get
// one key.
func TestKeysOfTwoIdentitiesDiffer(t *testing.T) {
	type request struct{ Rule, Who, Device string }
	rules := map[string]*policy.Policy{}
	for _, class := range []string{"user", "tenant", "roles"} {
		rules[class] = tenants(t, class, nil)
	}
	current := rules["user"]
	l := newLine(t, &current)
	a := &asker{t: t, l: l}
	for class := range rules { // teach
		current = rules[class]
		a.ask(bookOf1, nil, []string{"Vary: X-Device"})
	}
	word := rapid.SampledFrom([]string{"", "a", "b", "ab", "a,b", "A", "a:1", "1"})
	draw := func(rt *rapid.T, name string) request {
		return request{rapid.SampledFrom([]string{"user", "tenant", "roles"}).Draw(rt, name), word.Draw(rt, name), word.Draw(rt, name)}
	}
	key := func(r request) cache.Key {
		current = rules[r.Rule]
		var h []string
		for name, v := range map[string]string{"X-Who": r.Who, "X-Device": r.Device} {
			if v != "" {
				h = append(h, name+": "+v)
			}
		}
		_, k := a.ask(bookOf1, h, nil)
		return k
	}
	rapid.Check(t, func(rt *rapid.T) {
		one, two := draw(rt, "one"), draw(rt, "two")
		same := one == two
		if (key(one) == key(two)) != same {
			rt.Errorf("%+v and %+v: one key: %v", one, two, !same)
		}
	})
}

// TestClassesOfThePlannerAreThoseOfScopes: the planner knows nothing of requests and has names of its own.
func TestClassesOfThePlannerAreThoseOfScopes(t *testing.T) {
	for share := planner.SharePublic; share <= planner.ShareUser; share++ {
		if c := scope.Class(share); c.String() != share.String() {
			t.Errorf("%s is %s", share, c)
		}
	}
}

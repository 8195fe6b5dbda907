package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func request(query, name string) *Request {
	r := &Request{Query: []byte(query)}
	if name != "" {
		r.OperationName = []byte(name)
	}
	return r
}

func mustPlan(t *testing.T, c *Cache, r *Request) *Plan {
	t.Helper()
	p, err := c.Plan(r, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCacheFindsWhatItBuilt(t *testing.T) {
	c := NewCache(CacheConfig{Schema: world(t)})
	r := request("{ now }", "")
	if c.Lookup(r) != nil || c.LookupHash([]byte(sha256Hex(r.Query)), nil) != nil {
		t.Fatal("found before it was built")
	}
	p := mustPlan(t, c, r)
	if c.Lookup(r) != p || mustPlan(t, c, r) != p || c.LookupHash([]byte(sha256Hex(r.Query)), nil) != p {
		t.Error("not found again")
	}
	for _, other := range []*Request{request("{ now  }", ""), request("{ now }", "A"), request("{ now", " }"), {Query: r.Query, Escaped: true}} {
		if c.Lookup(other) != nil {
			t.Errorf("%q %q found", other.Query, other.OperationName)
		}
	}
	upper := strings.ToUpper(sha256Hex(r.Query))
	for _, hash := range []string{"", "x", upper, sha256Hex(r.Query)[1:], sha256Hex([]byte("other")), strings.Repeat("g", 64)} {
		if c.LookupHash([]byte(hash), nil) != nil && hash != strings.ToLower(hash) {
			t.Errorf("%q found", hash)
		}
	}
	if c.LookupHash([]byte(sha256Hex(r.Query)), []byte("A")) != nil {
		t.Error("found under another operation name")
	}
	if _, err := c.Plan(&Request{}, 1); !errors.Is(err, ErrNoDocument) {
		t.Error(err)
	}
}

func TestSpellingsShareAPlan(t *testing.T) {
	c := NewCache(CacheConfig{Schema: world(t)})
	p := mustPlan(t, c, request("query Q {\n now\n}", "Q"))
	for i := range 3 * maxSpellings {
		escaped := &Request{Query: []byte(`query Q {\n ` + escapeLetters("now", i) + `\n}`), OperationName: []byte("Q"), Escaped: true}
		if got := mustPlan(t, c, escaped); got != p {
			t.Fatalf("%s: another plan", escaped.Query)
		}
		if got := c.Lookup(escaped); got != p && (i < maxSpellings-1 || got != nil) {
			t.Fatalf("%s: not found in the new spelling", escaped.Query)
		}
	}
	st := c.Stats()
	if st.Built != 1 || st.Plans != 1 || st.Respelled == 0 {
		t.Errorf("%+v", st)
	}
	entries := 0
	for i := range c.byRaw.buckets {
		for e := c.byRaw.buckets[i].Load(); e != nil; e = e.next.Load() {
			entries++
		}
	}
	if entries > maxSpellings {
		t.Errorf("%d spellings are kept", entries)
	}
}

// escapeLetters writes those letters as escapes whose bit is set.
func escapeLetters(s string, bits int) string {
	var b strings.Builder
	for i, c := range s {
		switch bits >> (2 * i) & 3 {
		case 0:
			b.WriteRune(c)
		case 1:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\u%04X`, c)
		}
	}
	return b.String()
}

func TestCacheIsBounded(t *testing.T) {
	c := NewCache(CacheConfig{MaxPlans: 50, UnseenPerSecond: -1})
	kept := request("{ kept }", "")
	plan := mustPlan(t, c, kept)
	for i := range 1000 {
		mustPlan(t, c, request(fmt.Sprintf("{ a%d }", i), ""))
		if c.Lookup(kept) != plan {
			t.Fatalf("a plan in use was let go of after %d others", i)
		}
	}
	st := c.Stats()
	if st.Plans != 50 || st.Evicted != 951 || st.Built != 1001 {
		t.Errorf("%+v", st)
	}
	n := 0
	c.Range(func(p *Plan) bool { n++; return n < 10 })
	if n != 10 {
		t.Errorf("Range told of %d", n)
	}
	found := 0
	for i := range 1000 {
		r := request(fmt.Sprintf("{ a%d }", i), "")
		byRaw, byHash := c.Lookup(r), c.LookupHash([]byte(sha256Hex(r.Query)), nil)
		if byRaw != byHash {
			t.Fatal("an index kept what the other let go of")
		}
		if byRaw != nil {
			found++
		}
	}
	if found != 49 {
		t.Errorf("%d found", found)
	}
}

func TestCacheIsBoundedByBytes(t *testing.T) {
	c := NewCache(CacheConfig{MaxBytes: 4 << 20, UnseenPerSecond: -1})
	for i := range 500 {
		mustPlan(t, c, request(fmt.Sprintf("{ a%d %s }", i, strings.Repeat("field ", 100)), ""))
	}
	st := c.Stats()
	if st.Bytes > 4<<20 || st.Bytes < 1<<20 || st.Evicted == 0 || st.Plans < 20 {
		t.Errorf("%+v", st)
	}
	huge := request("{ "+strings.Repeat("x", 1<<20)+" }", "")
	if p := mustPlan(t, c, huge); p.Kind() != KindQuery || c.Lookup(huge) != nil || c.Stats().TooBig != 1 {
		t.Errorf("%+v", c.Stats())
	}
	var sum int64
	for _, r := range c.ring.records {
		sum += r.bytes
	}
	if sum != c.ring.bytes {
		t.Errorf("%d bytes counted, %d held", c.ring.bytes, sum)
	}
}

func TestUnseenDocumentsAreLimited(t *testing.T) {
	c := NewCache(CacheConfig{UnseenPerSecond: 10, UnseenBurst: 5})
	build := func(i int, now int64) error {
		_, err := c.Plan(request(fmt.Sprintf("{ a%d }", i), ""), now)
		return err
	}
	const second = 1_000_000_000
	for i := range 5 {
		if err := build(i, second); err != nil {
			t.Fatal(err)
		}
	}
	if err := build(5, second); !errors.Is(err, ErrUnseenLimit) {
		t.Errorf("the sixth: %v", err)
	}
	if err := build(0, second); err != nil {
		t.Errorf("a seen one: %v", err)
	}
	if err := build(5, second+second/10); err != nil {
		t.Errorf("after a tenth of a second: %v", err)
	}
	if err := build(6, second/2); !errors.Is(err, ErrUnseenLimit) {
		t.Errorf("with the clock back: %v", err)
	}
	for i := range 5 {
		if err := build(10+i, 100*second); err != nil {
			t.Error(err)
		}
	}
	if err := build(20, 100*second); !errors.Is(err, ErrUnseenLimit) || c.Stats().Refused != 3 {
		t.Errorf("beyond the burst: %v %+v", err, c.Stats())
	}
}

// TestConcurrentUse is for the race detector: look-ups, builds, evictions and iteration at once, and every answer is the right one.
func TestConcurrentUse(t *testing.T) {
	s := world(t)
	c := NewCache(CacheConfig{Schema: s, MaxPlans: 20, UnseenPerSecond: -1})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			var v Values
			var tags Tags
			for i := range 400 {
				n := (i*7 + w) % 40
				name := fmt.Sprintf("Q%d", n)
				r := request(fmt.Sprintf("query %s($n: Int) { cities(first: $n) { id name } }", name), "")
				p, err := c.Plan(r, int64(i))
				if err != nil || p.Name() != name || len(p.Errors()) > 0 {
					t.Errorf("%v %v", err, p.Errors())
					return
				}
				if p := c.LookupHash([]byte(sha256Hex(r.Query)), nil); p != nil && p.Name() != name {
					t.Errorf("%s for %s", p.Name(), name)
				}
				if errs := p.Coerce([]byte(`{"n":3}`), &v); errs != nil {
					t.Error(errs)
				}
				tags.Reset()
				p.AppendQueryTags(&v, &tags)
				p.Inspect([]byte(`{"data":{"cities":[{"id":"1","name":"x"}]}}`), &tags)
				if p.Cost(&v).Points() < 2 {
					t.Error("no cost")
				}
				if i%50 == 0 {
					c.Range(func(*Plan) bool { return true })
					c.Stats()
				}
			}
		})
	}
	wg.Wait()
	if st := c.Stats(); st.Plans != 20 {
		t.Errorf("%+v", st)
	}
}

func TestOneBuildForManyRequests(t *testing.T) {
	c := NewCache(CacheConfig{Schema: world(t), UnseenPerSecond: 1, UnseenBurst: 1})
	const n = 50
	plans := make([]*Plan, n)
	document := "{ " + strings.Repeat("me { id name } ", 500) + "}"
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			p, err := c.Plan(request(document, ""), 1)
			if err != nil {
				t.Error(err)
			}
			plans[i] = p
		})
	}
	wg.Wait()
	for _, p := range plans {
		if p != plans[0] {
			t.Fatal("several plans")
		}
	}
	if st := c.Stats(); st.Built != 1 || st.Refused != 0 {
		t.Errorf("%+v", st)
	}
}

func TestSpellingsInUseStay(t *testing.T) {
	c := NewCache(CacheConfig{})
	used := &Request{Query: []byte(`{ n\u006fw }`), Escaped: true}
	p := mustPlan(t, c, used)
	for i := range 100 {
		mustPlan(t, c, &Request{Query: []byte(`{ now ` + strings.Repeat(`\u0020`, i) + escapeLetters("now", i%7) + ` }`), Escaped: true})
		mustPlan(t, c, &Request{Query: []byte(`{ ` + escapeLetters("now", i%64) + ` }`), Escaped: true})
		if c.Lookup(used) != p {
			t.Fatalf("let go of after %d others", i)
		}
	}
}

func TestWarm(t *testing.T) {
	old := NewCache(CacheConfig{UnseenPerSecond: -1})
	for i := range 30 {
		mustPlan(t, old, request(fmt.Sprintf("query Q%d { now }", i), fmt.Sprintf("Q%d", i)))
	}
	escaped := &Request{Query: []byte(`query Q7 { n\u006fw }`), OperationName: []byte("Q7"), Escaped: true}
	mustPlan(t, old, escaped)
	c := NewCache(CacheConfig{Schema: world(t), MaxPlans: 20})
	if n := c.Warm(old, 5); n != 5 {
		t.Errorf("built %d", n)
	}
	if p := c.Lookup(escaped); p == nil || !p.HasSchema() || p.Name() != "Q7" {
		t.Error("a plan in use is not among the first")
	}
	if n := c.Warm(old, 0); n != 15 || c.Stats().Plans != 20 || c.Stats().Evicted != 0 {
		t.Errorf("built %d more, %+v", n, c.Stats())
	}
}

package serve

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/policy"
)

func getBook(method, version string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s /graphql?query=%s HTTP/%s\r\nHost: x\r\n", method, url.QueryEscape(bookQuery), version)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String() + "\r\n"
}

// warm fills the entry that getBook asks for, and returns its ETag.
func (r *rig) warm() string {
	r.t.Helper()
	c := r.dial()
	c.send(getBook("GET", "1.1"))
	c.receive("GET")
	c.send(getBook("GET", "1.1"))
	res, _ := c.receive("GET")
	if !isHit(res) || res.Header.Get("ETag") == "" {
		r.t.Fatalf("not warm: %v", res.Header)
	}
	return res.Header.Get("ETag")
}

func TestHitsOfEachKindOfRequest(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	etag := r.warm()
	for _, c := range []struct {
		name, method, request string
		status                int
		body, close           bool
	}{
		{"get", "GET", getBook("GET", "1.1"), 200, true, false},
		{"head", "HEAD", getBook("HEAD", "1.1"), 200, false, false},
		{"known to the client", "GET", getBook("GET", "1.1", "If-None-Match: "+etag), 304, false, false},
		{"known to the client, head", "HEAD", getBook("HEAD", "1.1", "If-None-Match: W/"+etag), 304, false, false},
		{"another one known to the client", "GET", getBook("GET", "1.1", `If-None-Match: "other"`), 200, true, false},
		{"close", "GET", getBook("GET", "1.1", "Connection: close"), 200, true, true},
		{"HTTP/1.0", "GET", getBook("GET", "1.0"), 200, true, true},
		{"HTTP/1.0 that keeps the connection", "GET", getBook("GET", "1.0", "Connection: keep-alive"), 200, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := r.dial()
			k.send(c.request)
			res, body := k.receive(c.method)
			if res.StatusCode != c.status || !isHit(res) || (body == bookBody) != c.body || (body == "") == c.body {
				t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
			}
			if c.close {
				if !k.ended() {
					t.Error("the connection lives on")
				}
				return
			}
			k.send(c.request)
			if res, _ := k.receive(c.method); res.StatusCode != c.status || !isHit(res) {
				t.Errorf("again on the same connection: %d %v", res.StatusCode, res.Header)
			}
		})
	}
	if o.count() != 1 {
		t.Errorf("the origin was asked %d times", o.count())
	}
}

func TestClosingHitSurvivesWhatTheClientSendsBehind(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	r.warm()
	for range 20 {
		c := r.dial()
		c.send(getBook("GET", "1.1", "Connection: close") + strings.Repeat("x", 100_000))
		if res, body := c.receive("GET"); !isHit(res) || body != bookBody {
			t.Fatalf("%v %q", res.Header, body)
		}
		c.c.Close()
	}
}

func TestCompressedAnswersAreKeptAsIdentity(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, bookBody)
	_ = z.Close()
	o := startOrigin(t, func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		w.Header().Set("ETag", `"of-the-gzip"`)
		_, _ = w.Write(zipped.Bytes())
	})
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	first, body := c.ask(bookQuery, "Accept-Encoding: gzip")
	if first.Header.Get("Content-Encoding") != "gzip" || body != zipped.String() {
		t.Errorf("the relayed answer was changed: %v", first.Header)
	}
	hit, body := c.ask(bookQuery)
	if !isHit(hit) || hit.Header.Get("Content-Encoding") != "" || body != bookBody || hit.Header.Get("ETag") == `"of-the-gzip"` {
		t.Errorf("%v %q", hit.Header, body)
	}
}

func TestAnswersThatAreNotKept(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		status  int
		body    string
	}{
		{"errors", nil, 200, `{"data":{"book":{"__typename":"Book","id":"1","title":null}},"errors":[{"message":"x"}]}`},
		{"no data", nil, 200, `{"errors":[{"message":"x"}]}`},
		{"data is null", nil, 200, `{"data":null}`},
		{"not JSON", nil, 200, `oops`},
		{"another media type", []string{"Content-Type", "text/html"}, 200, bookBody},
		{"status", nil, 404, bookBody},
		{"cookie", []string{"Set-Cookie", "a=b"}, 200, bookBody},
		{"vary on all", []string{"Vary", "*"}, 200, bookBody},
		{"no-store", []string{"Cache-Control", "no-store"}, 200, bookBody},
		{"private", []string{"Cache-Control", "private, max-age=60"}, 200, bookBody},
		{"no time left", []string{"Cache-Control", "max-age=60", "Age", "60"}, 200, bookBody},
		{"unknown coding", []string{"Content-Encoding", "rot13"}, 200, bookBody},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := startOrigin(t, func(w http.ResponseWriter, _ string) {
				w.Header().Set("Content-Type", "application/json")
				for i := 0; i+1 < len(c.headers); i += 2 {
					w.Header().Set(c.headers[i], c.headers[i+1])
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			r := newRig(t)
			r.start(o.address)
			k := r.dial()
			for i := range 3 {
				if res, body := k.ask(bookQuery); isHit(res) || body != c.body || res.StatusCode != c.status {
					t.Errorf("answer %d: %d %v %q", i, res.StatusCode, res.Header, body)
				}
			}
			if o.count() != 3 {
				t.Errorf("the origin was asked %d times", o.count())
			}
		})
	}
}

func TestUncacheableAnswersDoNotSerialiseRequests(t *testing.T) {
	release := make(chan struct{})
	var held atomic.Bool
	o := startOrigin(t, func(w http.ResponseWriter, _ string) {
		if held.Load() {
			<-release
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":null,"errors":[{"message":"x"}]}`)
	})
	r := newRig(t)
	r.start(o.address)
	r.dial().ask(bookQuery) // leaves its mark
	waitFor(t, func() bool { return r.store.Stats().Abandoned == 1 })
	held.Store(true)
	clients := make([]*client, 5)
	for i := range clients {
		clients[i] = r.dial()
		clients[i].send(post(bookQuery))
	}
	waitFor(t, func() bool { return o.count() == 1+len(clients) })
	close(release)
	for _, c := range clients {
		c.receive("POST")
	}
}

func persisted(query, hash string) string {
	body := fmt.Sprintf(`{"query":%q,"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, query, hash)
	return fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestWrongHashPassesTheGateAndIsNeverAnsweredFromTheCache(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Introspection = policy.Enforce
	r.start(o.address)
	c := r.dial()
	c.ask(bookQuery)
	right := fmt.Sprintf("%x", sha256.Sum256([]byte(bookQuery)))
	c.send(persisted(bookQuery, right))
	if res, _ := c.receive("POST"); !isHit(res) {
		t.Errorf("the right hash: %v", res.Header)
	}
	c.send(persisted(bookQuery, strings.Repeat("0", 64)))
	if res, _ := c.receive("POST"); isHit(res) || o.count() != 2 {
		t.Errorf("a wrong hash was answered: %v", res.Header)
	}
	c.send(persisted(`{ __schema { types { name } } }`, strings.Repeat("0", 64)))
	if res, _ := c.receive("POST"); res.Header.Get("Weir-Error") != "limit.introspection" || o.count() != 2 {
		t.Errorf("a wrong hash passed the gate: %d %v", res.StatusCode, res.Header)
	}
}

func TestTargetIsPartOfTheKey(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Paths = append(r.policy.Paths, []byte("/admin"))
	r.start(o.address)
	c := r.dial()
	for i, path := range []string{"/graphql", "/admin", "/graphql?lang=de", "/graphql?lang=en"} {
		message := strings.Replace(post(bookQuery), "/graphql", path, 1)
		c.send(message)
		if res, _ := c.receive("POST"); isHit(res) {
			t.Errorf("%s was answered with another target's entry", path)
		}
		c.send(message)
		if res, _ := c.receive("POST"); !isHit(res) || o.count() != i+1 {
			t.Errorf("%s misses", path)
		}
	}
}

func TestExpectIsRelayedUnreadAndAnsweredByTheOrigin(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	whole := post(bookQuery, "Expect: 100-continue")
	head, body, _ := strings.Cut(whole, "\r\n\r\n")
	c.send(head + "\r\n\r\n")
	line, err := c.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%q %v", line, err)
	}
	if _, err := c.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	c.send(body)
	if res, got := c.receive("POST"); res.StatusCode != 200 || got != bookBody {
		t.Errorf("%d %q", res.StatusCode, got)
	}
	if n := r.line.Stats().Uninspected["expect"]; n != 1 {
		t.Errorf("counted %d", n)
	}
}

func TestStatusOfTheDraftTellsJSONFromRequests(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.AnswerErrors, r.policy.Draft2026, r.policy.Validation = true, true, policy.Enforce
	r.start(o.address)
	c := r.dial()
	for body, status := range map[string]int{
		`{`: 400, `x`: 400, `[]x`: 400, `1`: 422, `{"query":1}`: 422, `{}`: 422,
		`{"query":"{"}`: 400, `{"query":"{ nobody }"}`: 422,
	} {
		c.send(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		if res, text := c.receive("POST"); res.StatusCode != status || !strings.Contains(text, `"errors"`) {
			t.Errorf("%s: %d %s, want %d", body, res.StatusCode, text, status)
		}
	}
	if o.count() != 0 {
		t.Errorf("the origin saw %q", o.seen)
	}
}

func TestRefusedBatchIsAnsweredForEachOperation(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Validation, r.policy.MaxBatch = policy.Enforce, 2
	r.start(o.address)
	c := r.dial()
	ask := func(body string) (*http.Response, string) {
		c.send(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		return c.receive("POST")
	}
	if res, body := ask(`[{"query":"{ now }"},{"query":"{ nobody }"}]`); res.StatusCode != 200 || !strings.HasPrefix(body, `[{"errors"`) ||
		strings.Count(body, `"errors"`) != 2 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body := ask(`[{"query":"{ now }"},{"query":"{ now }"},{"query":"{ now }"}]`); res.StatusCode != 400 ||
		res.Header.Get("Weir-Error") != "limit.batch" || !strings.HasPrefix(body, `{"errors"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if o.count() != 0 {
		t.Errorf("the origin saw %q", o.seen)
	}
}

func TestAgeGrowsAndTTLShrinks(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Cache.MaxTTL = 90 * time.Second
	r.start(o.address)
	r.warm()
	c := r.dial()
	c.send(getBook("GET", "1.1"))
	res, _ := c.receive("GET")
	if age := res.Header.Get("Age"); age != "0" && age != "1" {
		t.Errorf("Age %q", age)
	}
	if cc := res.Header.Get("Cache-Control"); cc != "max-age=60, public" {
		t.Errorf("Cache-Control %q", cc)
	}
}

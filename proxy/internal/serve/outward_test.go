package serve

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/outward"
)

func (r *rig) speakOutward() {
	t := outward.Tags{Enabled: true, MaxBytes: 16 << 10, MaxTag: 1024, MaxTags: 100}
	r.policy.Cache.Outward = outward.Policy{
		CacheControl: true, CDNCacheControl: true, SurrogateControl: true, SurrogateKey: t, CacheTag: t, CacheGroups: t, CatchAll: "more",
	}
	r.policy.Cache.StaleWhileRevalidate = 5 * time.Second
}

// outwardOf are the lines for caches of an answer.
func outwardOf(res *http.Response) string {
	var b strings.Builder
	for _, name := range []string{"Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "Surrogate-Key", "Cache-Tag", "Cache-Groups"} {
		if v := res.Header.Values(name); len(v) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(v, " | "))
		}
	}
	return b.String()
}

func TestOutwardHeadersOfRelayedAndStoredAnswersAreTheSame(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Surrogate-Key", "of the origin")
		w.Header().Set("Age", "10")
		books(func() string { return "a" })(w, body)
	})
	r := newRig(t)
	r.speakOutward()
	r.start(o.address)
	for _, method := range []string{"GET", "POST"} {
		c := r.dial()
		ask := func() (*http.Response, string) {
			if method == "GET" {
				c.send(getBook("GET", "1.1"))
				return c.receive("GET")
			}
			return c.ask(strings.Replace(bookQuery, "title", "title __typename", 1))
		}
		relayed, body := ask()
		hit, again := ask()
		if isHit(relayed) || !isHit(hit) || body != again {
			t.Fatalf("%s: %v, then %v", method, relayed.Header, hit.Header)
		}
		if got := relayed.Header.Get("Cache-Status"); got != "weir; fwd=miss; stored; ttl=50" {
			t.Errorf("Cache-Status: %s", got)
		}
		if outwardOf(relayed) != outwardOf(hit) || relayed.Header.Get("ETag") != hit.Header.Get("ETag") || hit.Header.Get("ETag") == "" {
			t.Errorf("%s: relayed\n%s, stored\n%s", method, outwardOf(relayed), outwardOf(hit))
		}
		for _, want := range []string{
			"Cache-Control: public, max-age=60, stale-while-revalidate=5\n", "CDN-Cache-Control: max-age=60, ", "Surrogate-Control: max-age=60, ",
			"Surrogate-Key: Book:1 Query.book(", "Cache-Tag: Book:1,Query.book(", `Cache-Groups: "Book:1", "Query.book(`,
		} {
			if !strings.Contains(outwardOf(hit), want) {
				t.Errorf("%s: no %q in\n%s", method, want, outwardOf(hit))
			}
		}
		for _, res := range []*http.Response{relayed, hit} {
			if age := res.Header.Values("Age"); len(age) != 1 || age[0] != "10" && age[0] != "11" {
				t.Errorf("Age %v: the lifetime counts from the origin's answer", age)
			}
			if vary := strings.Join(res.Header.Values("Vary"), ","); !strings.Contains(vary, "accept") {
				t.Errorf("Vary: %q", vary)
			}
		}
	}
}

func TestWhatIsNotKeptHereIsNotKeptElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		request string
		status  int
		coding  string
	}{
		"errors":                           {body: `{"data":null,"errors":[{"message":"x"}]}`},
		"part of the data":                 {body: `{"data":{"book":null},"errors":[{"message":"x"}]}`},
		"not to be read":                   {body: `oops`},
		"another status":                   {body: bookBody, status: 404},
		"a coding nobody knows":            {body: bookBody, coding: "rot13"},
		"credentials and no rule for them": {body: bookBody, request: post(bookQuery, "Authorization: Bearer x")},
		"a batch":                          {body: "[" + bookBody + "]", request: postBody(`[{"query":"{ book(id: \"1\") { id title } }"}]`)},
		"PersistedQueryNotFound":           {body: `{"errors":[{"message":"PersistedQueryNotFound"}]}`, request: "GET /graphql?extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22" + strings.Repeat("ab", 32) + "%22%7D%7D HTTP/1.1\r\nHost: x\r\n\r\n"},
		"larger than is captured":          {body: `{"data":{"book":{"__typename":"Book","id":"1","title":"` + strings.Repeat("x", 3<<20) + `"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			o := startOrigin(t, func(w http.ResponseWriter, _ string) {
				for k, v := range map[string]string{"Content-Type": "application/json", "Cache-Control": "public, max-age=600", "Expires": "Thu, 01 Jan 2099 00:00:00 GMT", "Cache-Tag": "a"} {
					w.Header().Set(k, v)
				}
				if c.coding != "" {
					w.Header().Set("Content-Encoding", c.coding)
				}
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
				_, _ = io.WriteString(w, c.body)
			})
			r := newRig(t)
			r.speakOutward()
			r.start(o.address)
			k := r.dial()
			for range 2 {
				request := c.request
				if request == "" {
					request = post(bookQuery)
				}
				k.send(request)
				method, _, _ := strings.Cut(request, " ")
				res, body := k.receive(method)
				if body != c.body || res.Header.Get("Expires") != "" {
					t.Fatalf("%v, %d bytes", res.Header, len(body))
				}
				if want := "Cache-Control: no-store\nCDN-Cache-Control: no-store\nSurrogate-Control: no-store\n"; outwardOf(res) != want {
					t.Errorf("%s", outwardOf(res))
				}
			}
		})
	}
}

func TestUnaskedNothingIsChangedForCaches(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Cache-Control", "max-age=30, public")
		w.Header().Set("Surrogate-Key", "a b")
		books(func() string { return "a" })(w, body)
	})
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	for range 2 {
		res, _ := c.ask(bookQuery)
		if got := outwardOf(res); got != "Cache-Control: max-age=30, public\nSurrogate-Key: a b\n" {
			t.Errorf("%s", got)
		}
	}
}

func TestMutationsAndOtherRequestsKeepTheirHeaders(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Cache-Control", "max-age=30")
		books(func() string { return "a" })(w, body)
	})
	r := newRig(t)
	r.speakOutward()
	r.start(o.address)
	c := r.dial()
	if res, _ := c.ask(`mutation { setBook(id: "1") { id } }`); outwardOf(res) != "Cache-Control: max-age=30\n" {
		t.Errorf("%s", outwardOf(res))
	}
	c.send("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
	if res, _ := c.receive("GET"); outwardOf(res) != "Cache-Control: max-age=30\n" {
		t.Errorf("%s", outwardOf(res))
	}
}

func TestCompressedAnswerKeepsItsOwnETag(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, bookBody)
	_ = z.Close()
	o := startOrigin(t, func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zipped.Bytes())
	})
	r := newRig(t)
	r.speakOutward()
	r.start(o.address)
	res, body := r.dial().ask(bookQuery, "Accept-Encoding: gzip")
	if body != zipped.String() || res.Header.Get("ETag") != "" || !strings.Contains(outwardOf(res), "Surrogate-Key: Book:1") {
		t.Errorf("%v", res.Header)
	}
}

// TestConditionsOfRequests: RFC 9110, section 13.1.2. A POST is not conditional here: a condition that holds would have to be refused with 412,
// and clients that send GraphQL by POST do not expect that.
func TestConditionsOfRequests(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	etag := r.warm()
	for _, c := range []struct {
		method, condition string
		status            int
	}{
		{"GET", etag, 304},
		{"GET", "W/" + etag, 304},
		{"GET", `"a", ` + etag + `, "b"`, 304},
		{"GET", "*", 304},
		{"HEAD", etag, 304},
		{"GET", `"a", W/"b"`, 200},
		{"GET", strings.Trim(etag, `"`), 200},
		{"HEAD", `"a"`, 200},
	} {
		k := r.dial()
		k.send(getBook(c.method, "1.1", "If-None-Match: "+c.condition))
		res, _ := k.receive(c.method)
		if res.StatusCode != c.status || res.Header.Get("ETag") != etag || !isHit(res) || res.Header.Get("Date") == "" || res.Header.Get("Cache-Control") == "" {
			t.Errorf("%s %s: %d %v", c.method, c.condition, res.StatusCode, res.Header)
		}
	}
	k := r.dial()
	k.ask(bookQuery)
	if res, body := k.ask(bookQuery, "If-None-Match: *"); res.StatusCode != 200 || body != bookBody || !isHit(res) {
		t.Errorf("POST: %d %v", res.StatusCode, res.Header)
	}
}

// TestAgeOfTheOriginsAnswerCounts: an answer that was 30 s old when it came is older when it is served again, else the next cache would keep it
// beyond its lifetime.
func TestAgeOfTheOriginsAnswerCounts(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Age", "30")
		books(func() string { return "a" })(w, body)
	})
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	c.ask(bookQuery)
	res, _ := c.ask(bookQuery)
	if age := res.Header.Get("Age"); !isHit(res) || age != "30" && age != "31" || res.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("%v", res.Header)
	}
}

func TestCacheStatusNamesTheEntry(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Cache.ExposeKey = true
	r.start(o.address)
	c := r.dial()
	relayed, _ := c.ask(bookQuery)
	hit, _ := c.ask(bookQuery)
	_, key, found := strings.Cut(relayed.Header.Get("Cache-Status"), "weir; fwd=miss; key=")
	if !found || len(key) != 18 || !strings.HasSuffix(hit.Header.Get("Cache-Status"), "; key="+key) {
		t.Errorf("%s, then %s", relayed.Header.Get("Cache-Status"), hit.Header.Get("Cache-Status"))
	}
}

func TestCacheStatusTellsTheOriginsStatus(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusTeapot) })
	r := newRig(t)
	r.start(o.address)
	if res, _ := r.dial().ask(bookQuery); res.Header.Get("Cache-Status") != "weir; fwd=miss; fwd-status=418" {
		t.Errorf("%v", res.Header)
	}
}

func postBody(body string) string {
	return fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestStaleAnswersAreNotKeptElsewhere: a softly invalidated entry answers while it is fetched anew, and looks young. No other cache is to keep it.
func TestStaleAnswersAreNotKeptElsewhere(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.speakOutward()
	r.start(o.address)
	c := r.dial()
	c.ask(bookQuery)
	if res, _ := c.ask(bookQuery); !isHit(res) || !strings.Contains(outwardOf(res), "max-age=60") {
		t.Fatalf("%v", res.Header)
	}
	if _, err := r.store.Invalidate(t.Context(), cache.Invalidation{Tags: []string{"Book:1"}, Soft: true}, time.Now().UnixNano()); err != nil {
		t.Fatal(err)
	}
	res, _ := c.ask(bookQuery)
	if want := "Cache-Control: no-store\nCDN-Cache-Control: no-store\nSurrogate-Control: no-store\n"; !isHit(res) || outwardOf(res) != want {
		t.Errorf("%v", res.Header)
	}
}

package proxy

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// keyless asks for a book without its key.
const keyless = `{"query":"query Front { x: book(id: \"1\") { title } }"}`

// keyed answers as an origin does that gives what it is asked for; plain is what it says when no key is asked for, with what it says else.
func keyed(with func(w http.ResponseWriter), plain func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, body string) {
		if strings.Contains(body, "__weir_") {
			with(w)
			return
		}
		plain(w)
	}
}

func says(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { fmt.Fprint(w, text) }
}

func overKeys(t *testing.T, s *script, inject bool) *rig {
	t.Helper()
	r := before(t, s, func(f *config.File) { f.Policy.Cache.InjectKeys = inject })
	eventually(t, "the schema is in force", func() bool { return r.policies.load().Plans.Schema() != nil })
	return r
}

const (
	plainBook = `{"data":{ "x":{"title":"a"} }}`
	keyedBook = `{"data":{ "x":{"title":"a" , "__weir_id_ID_" : "1"} }}`
)

// With keys injected an entity's tag finds its answers, and no others; without them it finds all that might hold it.
func TestInjectedKeysMakeTagsExact(t *testing.T) {
	for _, inject := range []bool{false, true} {
		s := scripted(t, keyed(says(keyedBook), says(plainBook)))
		r := overKeys(t, s, inject)
		for i := range 3 {
			a := r.fetch(call{body: keyless})
			if a.body != plainBook || a.hit() != (i > 0) || i == 0 && !strings.HasPrefix(a.header.Get("Cache-Status"), "weir; fwd=miss") {
				t.Fatalf("inject %v, answer %d: %v %s", inject, i, a.header, a.body)
			}
		}
		if n := s.asked(); n != 1 {
			t.Errorf("inject %v: the origin was asked %d times", inject, n)
		}
		r.invalidate(`{"tags":["Book:2"]}`)
		if a := r.fetch(call{body: keyless}); a.hit() != inject {
			t.Errorf("inject %v, after another entity: %s", inject, a.header.Get("Cache-Status"))
		}
		r.invalidate(`{"tags":["Book:1"]}`)
		if a := r.fetch(call{body: keyless}); a.hit() || a.body != plainBook {
			t.Errorf("inject %v, after the entity: %s", inject, a.header.Get("Cache-Status"))
		}
	}
}

// Whatever comes back, the client gets what it would have got without injection.
func TestAnswersWithInjectedKeysThatAreNotUnderstood(t *testing.T) {
	zipped := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, text)
			_ = z.Close()
		}
	}
	failed := `{"data":{"x":null},"errors":[{"message":"no","locations":[{"line":1,"column":15}]}]}`
	for name, c := range map[string]struct {
		with, plain func(http.ResponseWriter)
		want        string
		kept        bool
	}{
		"understood": {says(keyedBook), says(plainBook), plainBook, true},
		"gzip":       {zipped(keyedBook), says(plainBook), plainBook, true},
		"null":       {says(`{"data":{"x":null}}`), says(`{"data":{"x":null}}`), `{"data":{"x":null}}`, true},
		"errors":     {says(`{"data":{"x":null},"errors":[{"message":"no","locations":[{"line":1,"column":7}]}]}`), says(failed), failed, false},
		"no JSON":    {says(`oops`), says(plainBook), plainBook, false},
		"cut":        {says(keyedBook[:30]), says(plainBook), plainBook, false},
		"too large":  {says(keyedBook + strings.Repeat(" ", 3<<20)), says(plainBook), plainBook, false},
		"refused":    {func(w http.ResponseWriter) { http.Error(w, "too complex", http.StatusBadRequest) }, says(plainBook), plainBook, false},
		"coding": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "lzma")
			fmt.Fprint(w, "?????")
		}, says(plainBook), plainBook, false},
		"closed": {func(w http.ResponseWriter) {
			h, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				h.Close()
			}
		}, says(plainBook), plainBook, false},
		"not to be kept": {func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "no-store")
			fmt.Fprint(w, keyedBook)
		}, func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "no-store")
			fmt.Fprint(w, plainBook)
		}, plainBook, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, keyed(c.with, c.plain))
			r := overKeys(t, s, true)
			a := r.fetch(call{body: keyless})
			if a.body != c.want || a.status != http.StatusOK {
				t.Errorf("%d %v %q, want %q", a.status, a.header, a.body, c.want)
			}
			if n := s.asked(); c.kept && n != 1 || !c.kept && n != 2 {
				t.Errorf("the origin was asked %d times", n)
			}
			if r.metric(`weir_injected_total{result="used"}`) != map[bool]float64{true: 1}[c.kept] {
				t.Error("the counts are wrong")
			}
		})
	}
}

// Each form in which an operation can come gets its keys: the answer is the one without them, and the entity's tag is exact.
func TestKeysAreInjectedInEachForm(t *testing.T) {
	const query = `query Front { x: book(id: "1") { title } }`
	sum := sha256.Sum256([]byte(query))
	hash := `{"persistedQuery":{"version":1,"sha256Hash":"` + hex.EncodeToString(sum[:]) + `"}}`
	preflight := []string{"Apollo-Require-Preflight", "1"}
	get := func(parameters ...string) call {
		path := "/graphql?a=b"
		for i := 0; i+1 < len(parameters); i += 2 {
			path += "&" + parameters[i] + "=" + url.QueryEscape(parameters[i+1])
		}
		return call{method: http.MethodGet, path: path, lines: preflight}
	}
	for name, c := range map[string]struct {
		call    call
		known   bool // the operation was planned before
		batch   bool
		another string // what else of the answer
	}{
		"POST":                        {call: call{body: keyless}},
		"POST with hash":              {call: call{body: operation(query, "extensions", hash)}},
		"POST of a hash":              {call: call{body: `{"extensions":` + hash + `}`}, known: true},
		"GET":                         {call: get("query", query)},
		"GET with variables":          {call: get("variables", `{"a":"b&c"}`, "query", query, "operationName", "Front")},
		"GET of a hash":               {call: get("extensions", hash), known: true},
		"GET with hash and condition": {call: call{method: http.MethodGet, path: get("query", query, "extensions", hash).path, lines: append([]string{"If-None-Match", `"origin"`}, preflight...)}},
		"batch":                       {call: call{body: "[" + keyless + "]"}, batch: true},
		"batch of two":                {call: call{body: "[" + keyless + "," + operation(`{ y: book(id: "3") { id } }`) + "]"}, batch: true, another: `,{"data":{"y":{"id":"3"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var with, wrong atomic.Int64
			s := scripted(t, func(w http.ResponseWriter, r *http.Request, body string) {
				asked := r.RequestURI + body
				answer := plainBook
				if strings.Contains(asked, "__weir_") {
					with.Add(1)
					answer = keyedBook
					if strings.Contains(asked, "persistedQuery") || r.Header.Get("If-None-Match") != "" || r.Method == http.MethodGet && !strings.Contains(asked, "a=b") {
						wrong.Add(1)
					}
				}
				if c.batch {
					answer = "[" + answer + c.another + "]"
				}
				fmt.Fprint(w, answer)
			})
			r := overKeys(t, s, true)
			if c.known { // by another form, under another key
				r.fetch(call{body: operation(query), path: "/graphql?other"})
				with.Store(0)
			}
			want := plainBook
			if c.batch {
				want = "[" + plainBook + c.another + "]"
			}
			for i := range 2 {
				if a := r.fetch(c.call); a.body != want || a.hit() != (i > 0) || a.status != http.StatusOK {
					t.Fatalf("answer %d: %d %v %s", i, a.status, a.header, a.body)
				}
			}
			if with.Load() != 1 || wrong.Load() != 0 {
				t.Errorf("%d requests asked for keys, %d of them wrong: %q", with.Load(), wrong.Load(), s.seen)
			}
			r.invalidate(`{"tags":["Book:2"]}`)
			if a := r.fetch(c.call); !a.hit() {
				t.Errorf("after another entity: %v", a.header)
			}
			r.invalidate(`{"tags":["Book:1"]}`)
			if a := r.fetch(c.call); a.hit() || a.body != want {
				t.Errorf("after the entity: %v %s", a.header, a.body)
			}
		})
	}
}

// What cannot be asked with keys is sent as it came, and counted by the reason.
func TestRequestsThatGetNoKeys(t *testing.T) {
	long := `{ x: book(id: "` + strings.Repeat("1", 6<<10) + `") { title } }`
	for name, c := range map[string]struct {
		call   call
		reason string // empty: there was nothing to ask for
	}{
		"mutation":                    {call: call{body: operation(`mutation { x: setBook(id: "1") { title } }`)}},
		"with its keys":               {call: call{body: operation(`{ x: book(id: "1") { id title } }`)}},
		"wrong hash":                  {call: call{body: operation(`{ x: book(id: "1") { title } }`, "extensions", `{"persistedQuery":{"version":1,"sha256Hash":"`+strings.Repeat("ab", 32)+`"}}`)}},
		"unknown hash":                {call: call{body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("ab", 32) + `"}}}`}},
		"variable":                    {call: call{body: operation(`query ($a: Any) { x: any(of: $a) { title } }`, "variables", `{"a":{"__weir_t":1}}`)}, reason: "mixed_up"},
		"variable by GET":             {call: call{method: http.MethodGet, path: byGet(`query ($a: Any) { x: any(of: $a) { title } }`) + "&variables=" + url.QueryEscape(`{"a":{"__weir_t":1}}`), lines: []string{"Apollo-Require-Preflight", "1"}}, reason: "mixed_up"},
		"long target":                 {call: call{method: http.MethodGet, path: byGet(long), lines: []string{"Apollo-Require-Preflight", "1"}}, reason: "too_long"},
		"chunks":                      {reason: "framing"},
		"batch with what is not kept": {call: call{body: "[" + keyless + "," + operation(`{ plain }`) + "," + operation(`mutation { setBook(id: "1") { title } }`) + "]"}},
		"batch with the same twice":   {call: call{body: "[" + keyless + "," + keyless + "]"}, reason: "batch"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, func(w http.ResponseWriter, _ *http.Request, body string) {
				if strings.HasPrefix(body, "[") {
					fmt.Fprint(w, "["+plainBook+","+plainBook+"]")
					return
				}
				fmt.Fprint(w, plainBook)
			})
			r := overKeys(t, s, true)
			if name == "chunks" {
				answer, err := http.Post("http://"+r.address+"/graphql", "application/json", io.MultiReader(strings.NewReader(keyless))) // of unknown length
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
			} else {
				r.fetch(c.call)
			}
			for _, seen := range s.seen {
				if strings.Contains(seen, "__weir_id") {
					t.Errorf("keys were asked for: %.300s", seen)
				}
			}
			for _, reason := range []string{"batch", "framing", "mixed_up", "too_long"} {
				want := 0.0
				if reason == c.reason {
					want = 1
				}
				if n := r.metric(`weir_injected_skipped_total{reason="` + reason + `"}`); n != want {
					t.Errorf("%v are counted for %s, want %v", n, reason, want)
				}
			}
		})
	}
}

package proxy

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
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

// Only documents are changed, and only where nothing can be mixed up.
func TestRequestsThatGetNoKeys(t *testing.T) {
	var with atomic.Int64
	s := scripted(t, keyed(func(w http.ResponseWriter) { with.Add(1); fmt.Fprint(w, keyedBook) }, says(plainBook)))
	r := overKeys(t, s, true)
	hash := `{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("ab", 32) + `"}}`
	for name, c := range map[string]call{
		"persisted": {body: operation(`{ x: book(id: "1") { title } }`, "extensions", hash)},
		"GET":       {method: http.MethodGet, path: byGet(`{ x: book(id: "1") { title } }`), lines: []string{"Apollo-Require-Preflight", "1"}},
		"batch":     {body: "[" + operation(`{ x: book(id: "1") { title } }`) + "]"},
		"mutation":  {body: operation(`mutation { x: setBook(id: "1") { title } }`)},
		"variable":  {body: operation(`query ($a: Any) { x: any(of: $a) { title } }`, "variables", `{"a":{"__weir_t":1}}`)},
	} {
		was := with.Load()
		if r.fetch(c); with.Load() != was && name != "variable" {
			t.Errorf("%s: keys were asked for", name)
		}
	}
	if n := r.metric(`weir_injected_total{result="used"}`); n != 0 {
		t.Errorf("%v were used", n)
	}
}

package outward

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

type list []string

func (l list) Len() int        { return len(l) }
func (l list) At(i int) []byte { return []byte(l[i]) }

func everything() Policy {
	t := Tags{Enabled: true, MaxBytes: 16 << 10, MaxTag: 1024, MaxTags: 4096}
	return Policy{CacheControl: true, CDNCacheControl: true, SurrogateControl: true, SurrogateKey: t, CacheTag: t, CacheGroups: t, CatchAll: "more"}
}

func lines(t *testing.T, b []byte) http.Header {
	t.Helper()
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(b, "\r\n"...)))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	return http.Header(h)
}

func TestLinesOfAnAnswer(t *testing.T) {
	p := everything()
	a := Answer{
		TTL: 60 * time.Second, StaleWhile: 5 * time.Second, Age: 30, Vary: []string{"origin"},
		Tags: list{"City", "City:5", "list:City", "Query.city", "Query.city(00ff)", "@op:City", "home page"},
	}
	h := lines(t, p.Render(nil, &a))
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=90, stale-while-revalidate=5", "Cdn-Cache-Control": "max-age=90, stale-while-revalidate=5",
		"Surrogate-Control": "max-age=90, stale-while-revalidate=5", "Vary": "accept, origin",
		"Surrogate-Key": "list:City home%20page City:5 Query.city(00ff) Query.city City",
		"Cache-Tag":     "list:City,home%20page,City:5,Query.city(00ff),Query.city,City",
		"Cache-Groups":  `"list:City", "home%20page", "City:5", "Query.city(00ff)", "Query.city", "City"`,
	} {
		if got := strings.Join(h[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestPrivateAnswersCarryNoTags(t *testing.T) {
	p := everything()
	h := lines(t, p.Render(nil, &Answer{TTL: time.Minute, StaleWhile: time.Second, Private: true, Tags: list{"User:5"}}))
	if h.Get("Cache-Control") != "private, max-age=60" || h.Get("CDN-Cache-Control") != "no-store" || h.Get("Surrogate-Control") != "no-store" {
		t.Errorf("%v", h)
	}
	for _, name := range []string{"Surrogate-Key", "Cache-Tag", "Cache-Groups"} {
		if h.Get(name) != "" {
			t.Errorf("%s: %s", name, h.Get(name))
		}
	}
}

func TestNothingIsWrittenUnasked(t *testing.T) {
	var p Policy
	if p.On() || len(p.Describe(nil)) > 0 {
		t.Error("the zero policy is on")
	}
	p.CacheControl = true
	if !p.On() || len(p.Describe(nil)) == 0 {
		t.Error("Cache-Control alone is off")
	}
	h := lines(t, p.Refuse(nil))
	if len(h) != 1 || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", h)
	}
	for name, want := range map[string]bool{"cache-control": true, "Expires": true, "AGE": true, "surrogate-key": true, "vary": false, "etag": false} {
		if p.Replaces([]byte(name)) != want {
			t.Errorf("%s is replaced: %v", name, !want)
		}
	}
	p = Policy{SurrogateKey: Tags{Enabled: true}}
	for name, want := range map[string]bool{"Cache-Control": false, "Expires": false, "Age": false, "Surrogate-Key": true, "Cache-Tag": true, "CDN-Cache-Control": true} {
		if p.Replaces([]byte(name)) != want {
			t.Errorf("%s is replaced: %v", name, !want)
		}
	}
}

func TestTagsBeyondTheLimitLeaveTheCatchAll(t *testing.T) {
	many := list{"City", "list:City", "Query.cities", "Query.cities(0123456789abcdef)"}
	for i := range 5000 {
		many = append(many, fmt.Sprintf("City:%d", i))
	}
	p := everything()
	p.CacheGroups.MaxTags, p.CacheGroups.MaxTag = 32, 32
	h := lines(t, p.Render(nil, &Answer{TTL: time.Minute, Tags: many}))
	for name, separator := range map[string]string{"Surrogate-Key": " ", "Cache-Tag": ",", "Cache-Groups": ", "} {
		value := h.Get(name)
		tags := strings.Split(value, separator)
		trim := func(s string) string { return strings.Trim(s, `"`) }
		if len(value) > 16<<10 || trim(tags[0]) != "list:City" || trim(tags[1]) != "City:0" || trim(tags[len(tags)-1]) != "more" {
			t.Errorf("%s: %d bytes, %d tags, %s … %s", name, len(value), len(tags), tags[0], tags[len(tags)-1])
		}
		if name == "Cache-Groups" && len(tags) != 32 {
			t.Errorf("%d groups", len(tags))
		}
		if name != "Cache-Groups" && len(value) < 16<<10-64 {
			t.Errorf("%s: %d bytes of 16 KiB are used", name, len(value))
		}
		if strings.Contains(value, "Query.cities") {
			t.Errorf("%s: what is less likely to be named took the place of entities", name)
		}
	}
}

func TestTagHeaderNeverExceedsItsLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit Tags
		tags  list
		want  string
	}{
		{"all fit exactly", Tags{true, 9, 16, 9}, list{"A:1", "A:2", "B"}, "A:1 A:2 B"},
		{"one fits exactly", Tags{true, 3, 16, 9}, list{"A:1"}, "A:1"},
		{"one byte less", Tags{true, 8, 16, 9}, list{"A:1", "A:2", "B"}, "A:1 more"},
		{"a tag too long", Tags{true, 99, 4, 9}, list{"A:12345", "A:2"}, "A:2 more"},
		{"as many as may be", Tags{true, 99, 16, 2}, list{"A:1", "A:2"}, "A:1 A:2"},
		{"one too many", Tags{true, 99, 16, 2}, list{"A:1", "A:2", "B"}, "A:1 more"},
		{"nothing to say", Tags{true, 99, 16, 2}, list{"@op:A"}, ""},
		{"no room for anything", Tags{true, 2, 16, 2}, list{"A:1"}, ""},
	} {
		p := Policy{SurrogateKey: c.limit, CatchAll: "more"}
		if got := lines(t, p.Render(nil, &Answer{Tags: c.tags})).Get("Surrogate-Key"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzTags proves that no tag can end its line, leave its place in the list, or grow a header beyond its limit.
func FuzzTags(f *testing.F) {
	f.Add("City:5\r\nSet-Cookie: a=b", "x,y z\"\\", "Query.a()", 100, 3)
	f.Fuzz(func(t *testing.T, a, b, c string, maxBytes, maxTags int) {
		limit := Tags{Enabled: true, MaxBytes: 16 + maxBytes&0xfff, MaxTag: 64, MaxTags: 2 + maxTags&0xff}
		p := Policy{SurrogateKey: limit, CacheTag: limit, CacheGroups: limit, CatchAll: "more"}
		h := lines(t, p.Render(nil, &Answer{Tags: list{a, b, c}}))
		for name, values := range h {
			if name == "Vary" {
				continue
			}
			if len(values) != 1 || len(values[0]) > limit.MaxBytes {
				t.Fatalf("%s: %q", name, values)
			}
			if n := len(strings.Fields(values[0])); name == "Surrogate-Key" && n > min(4, limit.MaxTags) {
				t.Fatalf("%d tags: %q", n, values)
			}
			for _, r := range values[0] {
				if r < ' ' || r > '~' {
					t.Fatalf("%s: %q", name, values)
				}
			}
		}
		if len(h) > 4 {
			t.Fatalf("%v", h)
		}
	})
}

func TestRenderAllocatesNothing(t *testing.T) {
	p := everything()
	var tags TagSource = sample{}
	a := Answer{TTL: time.Minute, Tags: tags, Vary: []string{"origin"}}
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { dst = p.Render(dst[:0], &a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// sample is ten tags.
type sample struct{}

var sampleTags = [...][]byte{
	[]byte("City"), []byte("City:5"), []byte("City:6"), []byte("City:7"), []byte("list:City"), []byte("Country"), []byte("Country:DE"),
	[]byte("Query.cities"), []byte("Query.cities(0123456789abcdef)"), []byte("@op:Cities"),
}

func (sample) Len() int        { return len(sampleTags) }
func (sample) At(i int) []byte { return sampleTags[i] }

func BenchmarkRender(b *testing.B) {
	p := everything()
	a := Answer{TTL: time.Minute, Tags: sample{}, Vary: []string{"origin"}}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = p.Render(dst[:0], &a)
	}
}

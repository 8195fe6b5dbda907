package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// hostile is an origin that answers with bytes as a test writes them.
type hostile struct {
	address string
	asked   atomic.Int64
}

// hostileOrigin answers the nth request, counted from 1, with what answer returns; the connection ends behind an answer that begins with
// "close ".
func hostileOrigin(t *testing.T, answer func(n int64, body string) string) *hostile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{address: l.Addr().String()}
	var work sync.WaitGroup
	serve := func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			if strings.Contains(string(body), "__schema") {
				_, _ = io.WriteString(c, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
				continue
			}
			text, last := strings.CutPrefix(answer(h.asked.Add(1), string(body)), "close ")
			if _, err := io.WriteString(c, text); err != nil || last {
				return
			}
		}
	}
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); work.Wait() })
	return h
}

// beforeHostile starts a sidecar before the origin. Its connections end before the origin is waited for.
func beforeHostile(t *testing.T, h *hostile, edit func(*config.File)) *rig {
	t.Helper()
	return before(t, &script{Server: nil}, func(f *config.File) {
		f.Upstream = "http://" + h.address
		if edit != nil {
			edit(f)
		}
	})
}

const goodBody = `{"data":{"x":{"__typename":"Book","id":"1","title":"good"}}}`

// answered is a whole answer with the header lines.
func answered(status, body string, lines ...string) string {
	all := append([]string{"HTTP/1.1 " + status, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}, lines...)
	return strings.Join(all, "\r\n") + "\r\n\r\n" + body
}

// TestAttackHostileHeads: what clients may read in another way than Weir, or what says that it is not for a cache, is never kept.
func TestAttackHostileHeads(t *testing.T) {
	chunked := func(body string, lines ...string) string {
		return strings.Join(append([]string{"HTTP/1.1 200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked"}, lines...), "\r\n") + "\r\n\r\n" + body
	}
	size := fmt.Sprintf("%x", len(goodBody))
	for name, answer := range map[string]string{
		"a bare CR":                     answered("200 OK", goodBody, "X-A: a\rSet-Cookie: s=1"),
		"a bare LF":                     answered("200 OK", goodBody, "X-A: a\nSet-Cookie: s=1"),
		"NUL":                           answered("200 OK", goodBody, "X-A: a\x00b"),
		"a folded line":                 answered("200 OK", goodBody, "X-A: a\r\n Set-Cookie: s=1"),
		"a blank before the colon":      answered("200 OK", goodBody, "Set-Cookie : s=1"),
		"a line without a colon":        answered("200 OK", goodBody, "nothing"),
		"two lengths":                   answered("200 OK", goodBody, fmt.Sprintf("Content-Length: %d", len(goodBody))),
		"length and chunks":             answered("200 OK", "0\r\n\r\n", "Transfer-Encoding: chunked"),
		"a length with a sign":          "close " + strings.Replace(answered("200 OK", goodBody), "Content-Length: ", "Content-Length: +", 1),
		"another coding":                "close " + answered("200 OK", goodBody, "Transfer-Encoding: gzip"),
		"another protocol":              "close " + strings.Replace(answered("200 OK", goodBody), "HTTP/1.1", "HTTP/1.2", 1),
		"a part":                        answered("206 Partial Content", goodBody, "Content-Range: bytes 0-59/1000"),
		"a redirect":                    answered("301 Moved Permanently", goodBody, "Location: http://evil", "Cache-Control: public, max-age=600"),
		"another status":                answered("203 Non-Authoritative", goodBody, "Cache-Control: public, max-age=600"),
		"cut short":                     "close " + strings.Replace(answered("200 OK", goodBody), "Content-Length: ", "Content-Length: 1", 1),
		"shorter than what comes":       "close " + answered("200 OK", goodBody[:20]) + goodBody[20:],
		"chunks cut short":              "close " + chunked(size+"\r\n"+goodBody),
		"a chunk of a broken size":      "close " + chunked("0x"+size+"\r\n"+goodBody+"\r\n0\r\n\r\n"),
		"a chunk longer than it says":   "close " + chunked("5\r\n"+goodBody+"\r\n0\r\n\r\n"),
		"a cookie":                      answered("200 OK", goodBody, "Set-Cookie: s=1"),
		"a cookie in other letters":     answered("200 OK", goodBody, "sEt-cOOkie: s=1"),
		"two Cache-Controls":            answered("200 OK", goodBody, "Cache-Control: public, max-age=60", "Cache-Control: no-store"),
		"no-store with an argument":     answered("200 OK", goodBody, `Cache-Control: max-age=60, No-Store="x"`),
		"private for a field":           answered("200 OK", goodBody, `Cache-Control: max-age=60, private="x-a"`),
		"no-cache for a field":          answered("200 OK", goodBody, `Cache-Control: max-age=60, no-cache="x-a"`),
		"a comma within quotes":         answered("200 OK", goodBody, `Cache-Control: ext="a, max-age=60", max-age=0`),
		"a broken age":                  answered("200 OK", goodBody, "Cache-Control: max-age=1e9"),
		"a negative age":                answered("200 OK", goodBody, "Cache-Control: max-age=-1"),
		"the lesser of two":             answered("200 OK", goodBody, "Cache-Control: max-age=60, max-age=0"),
		"older than it may get":         answered("200 OK", goodBody, "Cache-Control: max-age=60", "Age: 99999999999999999999"),
		"not modified, out of the blue": "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := hostileOrigin(t, func(int64, string) string { return answer })
			r := beforeHostile(t, h, nil)
			for i := range 3 {
				if g := r.plain(message("/graphql", operation(bookOne))); g != nil && (g.hit() || h.asked.Load() != int64(i+1)) {
					t.Fatalf("answer %d: %d %v %q", i, g.status, g.header, g.body)
				}
			}
		})
	}
}

// TestAttackForgedHeads: an entry repeats nothing that is Weir's to say, and nothing that was meant for one connection.
func TestAttackForgedHeads(t *testing.T) {
	h := hostileOrigin(t, func(int64, string) string {
		return "HTTP/1.1 103 Early Hints\r\nX-Interim: 1\r\nSet-Cookie: s=1\r\n\r\n" + strings.Join([]string{
			"HTTP/1.1 200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked", "Trailer: X-Trailer", "Connection: keep-alive, X-Secret", "X-Secret: 1",
			"Keep-Alive: timeout=5", "Cache-Status: weir; hit; ttl=99999", "Cache-Status: evil; hit", "Age: 7", "Date: Thu, 01 Jan 1970 00:00:00 GMT", "Weir-Cost: 0", "Weir-Anomaly: 0",
			"Weir-Error: evil", "Proxy-Authenticate: Basic", "Upgrade: h2c", "X-Kept: yes", "Content-Location: /graphql", "Cache-Control: max-age=60",
		}, "\r\n") + fmt.Sprintf("\r\n\r\n%x\r\n%s\r\n0\r\nX-Trailer: 1\r\nSet-Cookie: s=1\r\n\r\n", len(goodBody), goodBody)
	})
	r := beforeHostile(t, h, nil)
	g := r.kept("the answer", call{body: operation(bookOne)})
	for _, name := range []string{
		"X-Interim", "Set-Cookie", "X-Secret", "Keep-Alive", "Weir-Cost", "Weir-Anomaly", "Weir-Error", "Proxy-Authenticate", "Upgrade", "X-Trailer", "Trailer", "Transfer-Encoding", "Connection",
	} {
		if v := g.header.Values(name); len(v) > 0 && name != "Connection" {
			t.Errorf("the hit has %s: %v", name, v)
		}
	}
	if v := g.header.Values("Cache-Status"); len(v) != 1 || !strings.HasPrefix(v[0], "weir; hit; ttl=") || strings.Contains(v[0], "99999") {
		t.Errorf("Cache-Status %v", v)
	}
	if v := g.header.Values("Age"); len(v) != 1 || len(v[0]) > 2 {
		t.Errorf("Age %v", v)
	}
	if v := g.header.Values("Date"); len(v) != 1 || strings.Contains(v[0], "1970") {
		t.Errorf("Date %v", v)
	}
	if g.header.Get("X-Kept") != "yes" || g.body != goodBody {
		t.Errorf("%v %q", g.header, g.body)
	}
}

// TestAttackEntityTags: whatever the origin says, a hit has one well-formed tag, and only that one is answered with 304.
func TestAttackEntityTags(t *testing.T) {
	for _, tag := range []string{`"a`, `a`, `*`, `"a", "b"`, `W/a`, `""a""`, `"a b"`, "\"a\tb\"", `"` + strings.Repeat("a", 300) + `"`, ``, `w/"a"`, `"a"; x="`} {
		h := hostileOrigin(t, func(int64, string) string {
			return answered("200 OK", goodBody, "ETag: "+tag, `ETag: "second"`, "Cache-Control: max-age=60")
		})
		r := beforeHostile(t, h, nil)
		get := func(known string) *got {
			c := call{method: http.MethodGet, path: byGet(bookOne)}
			if known != "" {
				c.lines = []string{"If-None-Match", known}
			}
			return r.fetch(c)
		}
		var g *got
		eventually(t, "a hit", func() bool { g = get(""); return g.hit() })
		have := g.header.Values("Etag")
		if len(have) != 1 || !wellFormed(have[0]) {
			t.Errorf("ETag: %s: the hit has %q", tag, have)
			continue
		}
		if g := get(have[0]); g.status != http.StatusNotModified {
			t.Errorf("ETag: %s: %s is answered with %d", tag, have[0], g.status)
		}
		for _, other := range []string{`"b"`, `"a"`, `"second"`, `b`, `"`, `W/`} {
			if g := get(other); other != have[0] && g.status != http.StatusOK {
				t.Errorf("ETag: %s, of which the hit has %s: %s is answered with %d", tag, have[0], other, g.status)
			}
		}
	}
}

// wellFormed follows RFC 9110, section 8.8.3.
func wellFormed(tag string) bool {
	inner, quoted := strings.CutPrefix(strings.TrimPrefix(tag, "W/"), `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	return quoted && closed && !strings.ContainsAny(inner, "\" \t") && len(tag) < 300
}

// TestAttackUnaskedAnswers: bytes behind an answer look like the answer to a question that was not put yet. It is kept for nobody.
func TestAttackUnaskedAnswers(t *testing.T) {
	evil := answered("200 OK", strings.Replace(goodBody, "good", "evil", 1), "Cache-Control: public, max-age=600")
	h := hostileOrigin(t, func(n int64, _ string) string {
		if n == 1 {
			return answered("200 OK", goodBody, "Cache-Control: no-store") + evil
		}
		return answered("200 OK", goodBody)
	})
	r := beforeHostile(t, h, nil)
	keep := func(id string) string {
		m := message("/graphql", operation(`{ x: book(id: "`+id+`") { __typename id title } }`))
		return strings.Replace(m, "Connection: close\r\n", "", 1)
	}
	r.all(keep("first")+keep("second"), 2)
	for _, id := range []string{"first", "second"} {
		for range 3 {
			if g := r.plain(message("/graphql", operation(`{ x: book(id: "`+id+`") { __typename id title } }`))); g == nil || strings.Contains(g.body, "evil") {
				t.Errorf("%s: %+v", id, g)
			}
		}
	}
}

// TestAttackSlowDrip: an origin that sends its answer by the byte holds up those who wait for it no longer than they are told to.
func TestAttackSlowDrip(t *testing.T) {
	release := make(chan struct{})
	first := make(chan struct{})
	var once sync.Once
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, body string) {
		if strings.Contains(r.Header.Get("X-Slow"), "1") {
			fmt.Fprint(w, goodBody[:10])
			_ = http.NewResponseController(w).Flush()
			once.Do(func() { close(first) })
			<-release
			fmt.Fprint(w, goodBody[10:])
			return
		}
		fmt.Fprint(w, goodBody)
	})
	r := before(t, s, func(f *config.File) { f.Policy.Cache.Collapse = "50ms" })
	var slow sync.WaitGroup
	slow.Go(func() {
		if g, err := send1(r.address, call{body: operation(bookOne), lines: []string{"X-Slow", "1"}}); err != nil || g.body != goodBody {
			t.Errorf("the slow one got %+v %v", g, err)
		}
	})
	<-first
	var others sync.WaitGroup
	for range 20 {
		others.Go(func() {
			if g, err := send1(r.address, call{body: operation(bookOne)}); err != nil || g.body != goodBody {
				t.Errorf("%+v %v", g, err)
			}
		})
	}
	others.Wait() // while the slow one still drips
	close(release)
	slow.Wait()
}

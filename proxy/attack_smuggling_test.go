package proxy

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// reading is how a lenient server finds the end of a request.
type reading uint8

const (
	byLength reading = iota // Content-Length counts where there is one, whatever Transfer-Encoding says
	byChunks                // anything that looks like chunked counts
)

var asksFor = regexp.MustCompile(`book\(id: ?\\?"?(\w+)`)

// lenient is an origin that reads requests as carelessly as its reading says, and answers each with the id that it asked for.
func lenient(t *testing.T, how reading) *hostile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	serve := func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		for n := 0; ; n++ {
			body, ok := carelessly(in, how)
			if !ok {
				return
			}
			if n > 0 { // an answer that nobody asked for comes when the next request is under way, which is when it does harm
				time.Sleep(2 * time.Millisecond)
			}
			id := "none"
			if m := asksFor.FindStringSubmatch(body); m != nil {
				id = m[1]
			}
			answer := answered("200 OK", strings.Replace(goodBody, "good", id, 1), "Cache-Control: public, max-age=60")
			if strings.Contains(body, "__schema") {
				answer = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
			}
			if _, err := io.WriteString(c, answer); err != nil {
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
	return &hostile{address: l.Addr().String()}
}

// carelessly reads one request.
func carelessly(in *bufio.Reader, how reading) (body string, ok bool) {
	length, chunked := -1, false
	for first := true; ; first = false {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", false
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" && !first {
			break
		}
		name, value, _ := strings.Cut(strings.ToLower(line), ":")
		switch strings.TrimSpace(name) {
		case "content-length":
			length, _ = strconv.Atoi(strings.TrimLeft(strings.TrimSpace(value), "+"))
		case "transfer-encoding":
			chunked = strings.Contains(value, "chunked")
		}
	}
	if !chunked || how == byLength && length >= 0 {
		b := make([]byte, max(length, 0))
		_, err := io.ReadFull(in, b)
		return string(b), err == nil
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", false
		}
		size, err := strconv.ParseInt(strings.TrimSpace(strings.SplitN(line, ";", 2)[0]), 16, 32)
		if err != nil {
			return "", false
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return "", false
		}
		if size == 0 {
			return body, true
		}
		body += string(b[:size])
	}
}

// TestAttackSmuggling: requests that Weir and the origin may split in different places. Whatever the attacker gets, nobody is given the
// stored answer of another request.
func TestAttackSmuggling(t *testing.T) {
	of := func(id string) string { return operation(`{ x: book(id: "` + id + `") { __typename id title } }`) }
	hidden := message("/graphql", of("evil"))
	head := "POST /graphql HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\n"
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(s), s) }
	one := of("one")
	attacks := map[string]string{
		"length and chunks":         head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len("0\r\n\r\n")+len(hidden)) + "0\r\n\r\n" + hidden,
		"chunks and length":         head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunk(one+hidden),
		"length, then chunks":       head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(one)) + one + hidden,
		"two lengths":               head + fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d\r\n\r\n", len(one), len(one)+len(hidden)) + one + hidden,
		"lengths in a list":         head + fmt.Sprintf("Content-Length: %d, %d\r\n\r\n", len(one), len(one)+len(hidden)) + one + hidden,
		"a length with a sign":      head + fmt.Sprintf("Content-Length: +%d\r\n\r\n", len(one)) + one + hidden,
		"a length with a zero":      head + fmt.Sprintf("Content-Length: 0%d\r\n\r\n", len(one)) + one + hidden,
		"a blank before the colon":  head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding : chunked\r\n\r\n", len(one)) + one + hidden,
		"a tab in the coding":       head + "Transfer-Encoding:\x0bchunked\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(one)) + one + hidden,
		"another coding":            head + "Transfer-Encoding: xchunked\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(one)) + one + hidden,
		"identity, chunked":         head + "Transfer-Encoding: identity, chunked\r\n\r\n" + chunk(one) + hidden,
		"two codings":               head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunk(one) + hidden,
		"a folded coding":           head + "Transfer-Encoding:\r\n chunked\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(one)) + one + hidden,
		"bare line feeds":           strings.ReplaceAll(head, "\r\n", "\n") + fmt.Sprintf("Content-Length: %d\nTransfer-Encoding: chunked\n\n", len(one)) + one + hidden,
		"a bare CR in a value":      head + fmt.Sprintf("X-A: a\rTransfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n", len(one)) + one + hidden,
		"chunk extension and feed":  head + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x;a\n%s\r\n0\r\n\r\n", len(one), one) + hidden,
		"a chunk size that wraps":   head + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("1%016x\r\n%s\r\n0\r\n\r\n", len(one), one) + hidden,
		"a trailer with a length":   head + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\nContent-Length: 500\r\n\r\n", len(one), one) + hidden,
		"a body of a GET":           "GET " + byGet(bookOne) + " HTTP/1.1\r\nHost: weir\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden,
		"a body of a HEAD":          "HEAD " + byGet(bookOne) + " HTTP/1.1\r\nHost: weir\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden,
		"HTTP/1.0 with chunks":      strings.Replace(head, "1.1", "1.0", 1) + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(one)) + one + hidden,
		"Connection names a length": head + fmt.Sprintf("Connection: Content-Length\r\nContent-Length: %d\r\n\r\n", len(one)) + one + hidden,
		"an upgrade that is not":    head + fmt.Sprintf("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n", len(one)) + one + hidden,
	}
	for kind, how := range map[string]reading{"an origin that counts lengths": byLength, "an origin that looks for chunks": byChunks} {
		h := lenient(t, how)
		r := beforeHostile(t, h, nil)
		for name, attack := range attacks {
			victim := message("/graphql", of("victim"))
			r.all(attack+victim, 3)
			for _, id := range []string{"one", "victim", "evil"} {
				for range 2 {
					if g := r.fetch(call{body: of(id)}); g.status == http.StatusOK && !strings.Contains(g.body, `"title":"`+id+`"`) {
						t.Errorf("%s, %s: who asks for %q gets %s %v", kind, name, id, g.body, g.header["Cache-Status"])
					}
				}
			}
			r.invalidateAll()
		}
	}
}

// invalidateAll empties the cache, so that the next attack finds nothing that answers in its place.
func (r *rig) invalidateAll() {
	r.t.Helper()
	if a, text := do(r.t, r.admin, http.MethodPost, "/cache/invalidate", `{"types":["Book"]}`); a.StatusCode != http.StatusOK {
		r.t.Fatalf("%d %s", a.StatusCode, text)
	}
}

// TestAttackPersistedQueries: a hash stands for its document alone, whoever sent another document with it first.
func TestAttackPersistedQueries(t *testing.T) {
	// This origin believes any client: the document that comes with a hash is what the hash stands for from then on.
	var mu sync.Mutex
	believed := map[string]string{}
	hash := regexp.MustCompile(`"?sha256Hash"?:"([^"]*)"`)
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, body string) {
		text := body
		if r.Method == http.MethodGet {
			v, _ := url.ParseQuery(r.URL.RawQuery)
			text = v.Get("query") + v.Get("extensions")
		}
		mu.Lock()
		defer mu.Unlock()
		id := asksFor.FindStringSubmatch(text)
		if h := hash.FindStringSubmatch(text); h != nil {
			if id != nil {
				believed[h[1]] = id[1]
			} else {
				id = []string{"", believed[h[1]]}
			}
		}
		fmt.Fprint(w, strings.Replace(goodBody, "good", id[1], 1))
	})
	r := before(t, s, nil)
	documents, hashes := map[string]string{}, map[string]string{}
	for _, id := range []string{"good", "evil"} {
		documents[id] = `{ x: book(id: ` + id + `) { __typename id title } }`
		documents[id] = strings.Replace(documents[id], id, `"`+id+`"`, 1)
		hashes[id] = fmt.Sprintf("%x", sha256.Sum256([]byte(documents[id])))
	}
	extensions := func(id string) string {
		return `{"persistedQuery":{"version":1,"sha256Hash":"` + hashes[id] + `"}}`
	}
	byGetWith := func(document, ext string) call {
		path := "/graphql?extensions=" + url.QueryEscape(ext)
		if document != "" {
			path += "&query=" + url.QueryEscape(document)
		}
		return call{method: http.MethodGet, path: path, lines: []string{"Content-Type", "application/json"}}
	}
	r.kept("the good document", call{body: operation(documents["good"])})
	poison := []call{
		{body: operation(documents["evil"], "extensions", extensions("good"))},
		byGetWith(documents["evil"], extensions("good")),
		{body: operation(documents["evil"], "extensions", strings.ToUpper(extensions("good")))},
		{body: operation(documents["evil"], "extensions", strings.Replace(extensions("good"), `"version":1`, `"version":2`, 1))},
		{body: operation(documents["evil"], "extensions", strings.Replace(extensions("good"), hashes["good"], hashes["good"]+" ", 1))},
	}
	for i, p := range poison {
		for range 2 {
			if g := r.fetch(p); g.hit() && strings.Contains(g.body, `"good"`) {
				t.Errorf("poison %d was answered with the good document's entry", i)
			}
		}
	}
	// By its hash the good document is known here, and its entry is what the document means: not what the origin was made to believe.
	for _, c := range []call{{body: `{"extensions":` + extensions("good") + `}`}, {body: operation(documents["good"])}, {body: operation(documents["good"], "extensions", extensions("good"))}} {
		if g := r.fetch(c); !g.hit() || !strings.Contains(g.body, `"good"`) {
			t.Errorf("%s: %v %s", c.body, g.header["Cache-Status"], g.body)
		}
	}
	if g := r.fetch(call{body: operation(documents["evil"])}); !strings.Contains(g.body, `"evil"`) {
		t.Errorf("the other document: %s", g.body)
	}
	r.never(s, "a hash that no document has", call{body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`})
}

// TestAttackNotModified: conditions and ranges of one client's request have nothing to do with what others get.
func TestAttackNotModified(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Cache-Control", "max-age=60")
		switch {
		case r.Header.Get("If-None-Match") != "", r.Header.Get("If-Modified-Since") != "":
			w.WriteHeader(http.StatusNotModified)
		case r.Header.Get("Range") != "":
			w.Header().Set("Content-Range", "bytes 0-9/60")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, goodBody[:10])
		default:
			fmt.Fprint(w, goodBody)
		}
	})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r := before(t, s, nil)
		ask := func(lines ...string) *got {
			c := call{method: method, path: byGet(bookOne), lines: lines}
			if method == http.MethodPost {
				c.path, c.body = "/graphql", operation(bookOne)
			}
			return r.fetch(c)
		}
		// First of all come those with conditions: the origin's short answers are theirs alone.
		for _, lines := range [][]string{{"If-None-Match", `"v1"`}, {"If-None-Match", "*"}, {"If-Modified-Since", "Thu, 01 Jan 2032 00:00:00 GMT"}, {"Range", "bytes=0-9"}} {
			if g := ask(lines...); g.hit() || g.status == http.StatusOK {
				t.Errorf("%s %v: %d %v", method, lines, g.status, g.header)
			}
		}
		var g *got
		eventually(t, "a hit", func() bool {
			if g = ask(); g.status != http.StatusOK || g.body != goodBody {
				t.Fatalf("%s without a condition: %d %q", method, g.status, g.body)
			}
			return g.hit()
		})
		for _, c := range []struct {
			lines  []string
			status int // by GET
		}{
			{[]string{"If-None-Match", `"v1"`}, 304},
			{[]string{"If-None-Match", `W/"v1"`}, 304},
			{[]string{"If-None-Match", `"v0", "v1"`}, 304},
			{[]string{"If-None-Match", `"v0"`}, 200},
			{[]string{"If-None-Match", `v1`}, 200},
			{[]string{"If-None-Match", `"v1`}, 200},
			{[]string{"Range", "bytes=0-9"}, 200},
			{[]string{"If-Match", `"v0"`}, 200},
		} {
			want := c.status
			if method == http.MethodPost {
				want = http.StatusOK // a condition is for GET and HEAD
			}
			g := ask(c.lines...)
			if !g.hit() || g.status != want || g.body != map[int]string{200: goodBody, 304: ""}[want] {
				t.Errorf("%s %v: %d %v %q, want %d", method, c.lines, g.status, g.header["Cache-Status"], g.body, want)
			}
		}
	}
}

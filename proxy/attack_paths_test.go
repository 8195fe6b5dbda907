package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// plain sends bytes as they are over a connection of its own and returns the first answer; nil when the connection ended without one.
func (r *rig) plain(message string) *got {
	r.t.Helper()
	answers := r.all(message, 1)
	if len(answers) == 0 {
		return nil
	}
	return answers[0]
}

// all sends bytes as they are and reads up to n answers.
func (r *rig) all(message string, n int) (answers []*got) {
	r.t.Helper()
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, message); err != nil {
		r.t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite() // who waits for more of a broken message sees that there is none
	in := bufio.NewReader(c)
	for range n {
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return answers
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return answers
		}
		answers = append(answers, &got{response.StatusCode, response.Header, string(body)})
	}
	return answers
}

// message is a POST as bytes, to be closed after its answer.
func message(target, body string, lines ...string) string {
	all := append([]string{"Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)), "Connection: close"}, lines...)
	if !strings.Contains(strings.Join(lines, "\n"), "Host:") {
		all = append(all, "Host: weir")
	}
	return "POST " + target + " HTTP/1.1\r\n" + strings.Join(all, "\r\n") + "\r\n\r\n" + body
}

// TestAttackPaths: what is not the path of the policy, byte by byte, goes to the origin as it is and has nothing to do with the cache,
// however a server may read it.
func TestAttackPaths(t *testing.T) {
	s := scripted(t, numbered("Cache-Control", "public, max-age=60"))
	r := before(t, s, nil)
	book := operation(bookOne)
	r.kept("the book", call{body: book})
	for _, target := range []string{
		"//graphql", "/graphql/", "/./graphql", "/a/../graphql", "/%67raphql", "/graphql%2f", "/graphql%20", "/graphql%00", "/GraphQL", "/graphql;a=b", "/graphql.", "/graphql//",
		`/\graphql`, "/graphql#x", "/graphql%3fa=b", "/graphqL", "/graphql\xe2\x80\x8b",
	} {
		for range 3 {
			was := s.asked()
			g := r.plain(message(target, book))
			if g == nil || g.hit() {
				t.Errorf("%q: %+v", target, g)
				continue
			}
			if g.status == http.StatusOK && s.asked() != was+1 {
				t.Errorf("%q was answered by somebody else than the origin: %v", target, g.header)
			}
		}
	}
	if g := r.plain(message("/graphql", book)); g == nil || !g.hit() || !strings.Contains(g.body, `"title":"1"`) {
		t.Errorf("the entry of the true path has changed: %+v", g)
	}
}

// TestAttackAbsoluteForm: a target with a host of its own is not taken for one without, and does not fill its entry.
func TestAttackAbsoluteForm(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		fmt.Fprintf(w, `{"data":{"x":{"__typename":"Book","id":"1","title":%q}}}`, r.Host)
	})
	r := before(t, s, nil)
	book := operation(bookOne)
	for _, target := range []string{"http://evil/graphql", "HTTP://evil/graphql", "http://evil:80/graphql", "https://evil/graphql", "http://user@evil/graphql"} {
		if g := r.plain(message(target, book)); g != nil && g.hit() {
			t.Errorf("%s: a hit: %s", target, g.body)
		}
	}
	if g := r.plain(message("/graphql", book)); g == nil || strings.Contains(g.body, "evil") {
		t.Errorf("poisoned: %+v", g)
	}
	for _, target := range []string{"http://evil/graphql", "https://evil/graphql"} {
		if g := r.plain(message(target, book)); g != nil && g.status == http.StatusOK && !strings.Contains(g.body, "evil") {
			t.Errorf("%s got the entry of another host: %s", target, g.body)
		}
	}
}

// TestAttackHosts: where policy says that hosts differ, each spelling has its own entry; heads with two hosts or none never touch an entry.
func TestAttackHosts(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		fmt.Fprintf(w, `{"data":{"x":{"__typename":"Book","id":"1","title":%q}}}`, r.Host)
	})
	r := before(t, s, byHost)
	book := operation(bookOne)
	for range 2 {
		for _, host := range []string{"a.example", "A.example", "a.example.", "a.example:80", "b.example", "a.example:4000", "127.0.0.1", "[::1]", "xn--a"} {
			if g := r.plain(message("/graphql", book, "Host: "+host)); g == nil || !strings.Contains(g.body, `"title":"`+host+`"`) {
				t.Errorf("%s got %+v", host, g)
			}
		}
	}
	for _, lines := range [][]string{{"Host: a.example", "Host: evil"}, {"Host: a.example, evil"}, {"Host: "}, {"Host : a.example"}, {"Host: a.example\r\n Host: evil"}, {"Host: evil/a.example"}, {"Host: evil@a.example"}} {
		if g := r.plain(message("/graphql", book, lines...)); g != nil && (g.hit() || g.status == http.StatusOK && strings.Contains(g.body, `"a.example"`)) {
			t.Errorf("%q: %+v", lines, g)
		}
	}
	if g := r.plain(message("/graphql", book, "Host: a.example")); g == nil || !g.hit() || !strings.Contains(g.body, `"a.example"`) {
		t.Errorf("the entry of a.example has changed: %+v", g)
	}
}

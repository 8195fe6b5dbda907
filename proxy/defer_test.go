package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/config"
)

const (
	draftAccept  = "multipart/mixed;incrementalSpec=v0.2, application/json;q=0.9"
	legacyAccept = "multipart/mixed;deferSpec=20220824,application/json"
	openFirst    = `{ open me { id ... @defer(label: "later") { notes } } }`
)

// startDeferring is a sidecar over the guarded supergraph without its guards; the subgraph of notes answers when release lets it.
func startDeferring(t *testing.T, edit func(*config.File)) (r *rig, release chan struct{}) {
	t.Helper()
	release = make(chan struct{}, 100)
	sub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), "_entities") {
			_, _ = io.WriteString(w, `{"data":{"open":1,"me":{"__typename":"User","id":"1"}}}`)
			return
		}
		select {
		case <-release:
			_, _ = io.WriteString(w, `{"data":{"_entities":[{"__typename":"User","notes":"n"}]}}`)
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	}))
	t.Cleanup(sub.Close)
	sdl := strings.ReplaceAll(guardedSubgraph, ` @policy(policies: [["staff"]])`, "")
	return start(t, configuration(t, "", func(f *config.File) {
		f.Schema = ""
		f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), strings.NewReplacer("{a}", sub.URL+"/a", "{b}", sub.URL+"/b").Replace(sdl))
		if edit != nil {
			edit(f)
		}
	})), release
}

// wireClient is a connection whose bytes are looked at.
type wireClient struct {
	net.Conn
	*bufio.Reader
}

func dialWire(t *testing.T, address string) *wireClient {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &wireClient{c, bufio.NewReader(c)}
}

func (c *wireClient) ask(version, accept, body string) {
	_, _ = fmt.Fprintf(c.Conn, "POST /graphql HTTP/%s\r\nHost: x\r\nConnection: keep-alive\r\nContent-Type: application/json\r\nAccept: %s\r\nContent-Length: %d\r\n\r\n%s", version, accept, len(body), body)
}

// head reads a head without its Date.
func (c *wireClient) head(t *testing.T) (head string) {
	t.Helper()
	for {
		line, err := c.ReadString('\n')
		if err != nil {
			t.Fatal(head, err)
		}
		if line == "\r\n" {
			return head
		}
		if !strings.HasPrefix(line, "Date:") {
			head += line
		}
	}
}

// chunk reads one.
func (c *wireClient) chunk(t *testing.T) string {
	t.Helper()
	var n int
	if _, err := fmt.Fscanf(c.Reader, "%x\r\n", &n); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(c.Reader, b); err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestDeferredPartsOnTheWire(t *testing.T) {
	r, release := startDeferring(t, nil)
	c := dialWire(t, r.address)
	const part = "Content-Type: application/json; charset=utf-8\r\n\r\n"
	for _, w := range []struct{ accept, media, first, second string }{
		{
			draftAccept, `incrementalSpec=v0.2`, `{"data":{"open":1,"me":{"id":"1"}},"pending":[{"id":"0","path":["me"],"label":"later"}],"hasNext":true}`,
			`{"incremental":[{"id":"0","data":{"notes":"n"}}],"completed":[{"id":"0"}],"hasNext":false}`,
		},
		{
			legacyAccept, `deferSpec=20220824`, `{"data":{"open":1,"me":{"id":"1"}},"hasNext":true}`,
			`{"incremental":[{"data":{"notes":"n"},"path":["me"],"label":"later"}],"hasNext":false}`,
		},
	} {
		c.ask("1.1", w.accept, operation(openFirst)) // on the same connection
		if got, want := c.head(t), "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=\"-\"; "+w.media+"\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n"; got != want {
			t.Errorf("head %q, want %q", got, want)
		}
		if got, want := c.chunk(t), "\r\n---\r\n"+part+w.first+"\r\n---\r\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		release <- struct{}{} // the first part has not waited for it
		if got, want := c.chunk(t), part+w.second+"\r\n-----\r\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := c.chunk(t); got != "" {
			t.Errorf("a chunk behind the last: %q", got)
		}
	}
}

func TestWhoTakesNoPartsHasOneAnswer(t *testing.T) {
	on, release := startDeferring(t, nil)
	off, releaseOff := startDeferring(t, func(f *config.File) { f.Supergraph.Defer = false })
	const whole = `{"data":{"open":1,"me":{"id":"1","notes":"n"}}}`
	for _, w := range []struct {
		name, version, accept, body, want string
		off                               bool
	}{
		{"JSON", "1.1", "application/json", operation(openFirst), whole, false},
		{"multipart without a specification", "1.1", "multipart/mixed, application/json", operation(openFirst), whole, false},
		{"a batch", "1.1", draftAccept, "[" + operation(openFirst) + "]", "[" + whole + "]", false},
		{"not deferred", "1.1", draftAccept, operation(strings.Replace(openFirst, `label: "later"`, "if: false", 1)), whole, false},
		{"off", "1.1", draftAccept, operation(openFirst), whole, true},
	} {
		t.Run(w.name, func(t *testing.T) {
			r, free := on, release
			if w.off {
				r, free = off, releaseOff
			}
			c := dialWire(t, r.address)
			free <- struct{}{}
			c.ask(w.version, w.accept, w.body)
			if head := c.head(t); !strings.Contains(head, "Content-Type: application/json") || !strings.Contains(head, fmt.Sprintf("Content-Length: %d\r\n", len(w.want))) {
				t.Error(head)
			}
			b := make([]byte, len(w.want))
			if _, err := io.ReadFull(c.Reader, b); err != nil || string(b) != w.want {
				t.Errorf("%s %v", b, err)
			}
		})
	}
	for r, want := range map[*rig]bool{on: true, off: false} {
		if _, text := do(t, r.address, http.MethodPost, "/graphql", operation(`{ __schema { directives { name } } }`)); strings.Contains(text, `"defer"`) != want || strings.Contains(text, `"stream"`) {
			t.Error(want, text)
		}
	}
}

func TestDeferredFieldsAreGuarded(t *testing.T) {
	keys := httptest.NewServer(newIssuer(t))
	t.Cleanup(keys.Close)
	g := startGuarded(t, keys.URL, nil)
	c := dialWire(t, g.address)
	c.ask("1.1", draftAccept, operation(`{ open me { id ... @defer { notes email } } }`))
	c.head(t)
	all := c.chunk(t) + c.chunk(t)
	if strings.Contains(all, "secret") || strings.Count(all, "UNAUTHORIZED_FIELD_OR_TYPE") != 2 || !strings.Contains(all, `"data":{"notes":null,"email":null},"errors":[`) {
		t.Error(all)
	}
	for _, text := range g.asked {
		if strings.Contains(text, "notes") || strings.Contains(text, "email") {
			t.Error(text)
		}
	}
}

// A client that leaves between two parts ends the fetch for the second.
func TestAClientThatLeavesEndsDeferredFetches(t *testing.T) {
	r, _ := startDeferring(t, nil)
	c := dialWire(t, r.address)
	c.ask("1.1", draftAccept, operation(openFirst))
	c.head(t)
	c.chunk(t)
	c.Conn.Close()
	eventually(t, "the request has ended", func() bool { return r.metric("weir_clients_left_total") == 1 })
}

// GraphQL over SSE, distinct connections mode: each part is an event, and the first does not wait for the second.
func TestDeferredPartsAsEvents(t *testing.T) {
	r, release := startDeferring(t, nil)
	c := dialWire(t, r.address)
	const (
		draft1, draft2   = `{"data":{"open":1,"me":{"id":"1"}},"pending":[{"id":"0","path":["me"],"label":"later"}],"hasNext":true}`, `{"incremental":[{"id":"0","data":{"notes":"n"}}],"completed":[{"id":"0"}],"hasNext":false}`
		legacy1, legacy2 = `{"data":{"open":1,"me":{"id":"1"}},"hasNext":true}`, `{"incremental":[{"data":{"notes":"n"},"path":["me"],"label":"later"}],"hasNext":false}`
	)
	for _, w := range []struct{ accept, first, second string }{
		{"text/event-stream", legacy1, legacy2},
		{"text/event-stream;deferSpec=20220824", legacy1, legacy2},
		{"application/json, text/event-stream;incrementalSpec=v0.2", draft1, draft2},
	} {
		c.ask("1.1", w.accept, operation(openFirst))
		if got, want := c.head(t), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n"; got != want {
			t.Errorf("%s: head %q, want %q", w.accept, got, want)
		}
		if got, want := c.chunk(t), "event: next\ndata: "+w.first+"\n\n"; got != want {
			t.Errorf("%s: %q, want %q", w.accept, got, want)
		}
		release <- struct{}{}
		if got, want := c.chunk(t), "event: next\ndata: "+w.second+"\n\nevent: complete\ndata:\n\n"; got != want {
			t.Errorf("%s: %q, want %q", w.accept, got, want)
		}
		if got := c.chunk(t); got != "" {
			t.Errorf("%s: a chunk behind the last: %q", w.accept, got)
		}
	}
}

func TestDeferredPartsOverASocket(t *testing.T) {
	for form, want := range map[string][]string{
		"off":                  {`{"data":{"open":1,"me":{"id":"1","notes":"n"}}}`},
		"deferSpec=20220824":   {`{"data":{"open":1,"me":{"id":"1"}},"hasNext":true}`, `{"incremental":[{"data":{"notes":"n"},"path":["me"],"label":"later"}],"hasNext":false}`},
		"incrementalSpec=v0.2": {`{"data":{"open":1,"me":{"id":"1"}},"pending":[{"id":"0","path":["me"],"label":"later"}],"hasNext":true}`, `{"incremental":[{"id":"0","data":{"notes":"n"}}],"completed":[{"id":"0"}],"hasNext":false}`},
	} {
		t.Run(form, func(t *testing.T) {
			r, release := startDeferring(t, func(f *config.File) { f.Supergraph.WebSocket.Defer = form })
			c := (&newsroom{rig: r}).talk(`{}`)
			c.say(`{"id":"1","type":"subscribe","payload":` + operation(openFirst) + `}`)
			for i, part := range want {
				if i == len(want)-1 {
					release <- struct{}{}
				}
				c.expect(next("1", part))
			}
			c.expect(complete("1"))
		})
	}
}

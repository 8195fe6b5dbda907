package fault

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const body = `{"data":{"city":{"name":"Shanghai"}}}`

// serve answers every request with the rule's fault; sent receives what the player says it sent.
func serve(t *testing.T, network string, rule *Rule) (s *httptest.Server, p *Player, sent chan int64) {
	t.Helper()
	p, sent = NewPlayer(), make(chan int64, 1)
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		a := &Answer{200, http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"max-age=60"}}, []byte(body)}
		if !rule.Executes() {
			a = nil
		}
		sent <- p.Play(w, r, rule, a)
	}))
	if network == "unix" {
		_ = s.Listener.Close()
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		if err != nil {
			t.Fatal(err)
		}
		s.Listener = l
	}
	s.Start()
	t.Cleanup(func() { p.Close(); s.Close() })
	return s, p, sent
}

func rule(t *testing.T, text string) *Rule {
	t.Helper()
	r, err := ParseRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return &r
}

func ask(t *testing.T, s *httptest.Server) net.Conn {
	t.Helper()
	c, err := net.Dial(s.Listener.Addr().Network(), s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Write([]byte("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

var date = regexp.MustCompile(`Date: [^\r]*\r\n`)

const (
	fields  = "Cache-Control: max-age=60\r\nContent-Type: application/json\r\n"
	rawHead = "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 37\r\nConnection: close\r\n\r\n"
)

func keptHead(status, cacheControl, contentType string, length int) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nCache-Control: %s\r\nContent-Length: %d\r\nContent-Type: %s\r\n\r\n", status, cacheControl, length, contentType)
}

func TestEachFaultByteByByte(t *testing.T) {
	injected := `{"errors":[{"message":"injected failure","extensions":{"code":"INJECTED"}}],"data":null}`
	for _, c := range []struct {
		rule, want, end string // end: FIN, RST, or kept
		sent            int
	}{
		{"reset", "", "RST", 0},
		{"reset=before-head", "", "RST", 0},
		{"reset=in-head", rawHead[:len(rawHead)/2], "RST", 0},
		{"reset=mid-body", rawHead + body[:18], "RST", 18},
		{"close", "", "FIN", 0},
		{"close=in-head", rawHead[:len(rawHead)/2], "FIN", 0},
		{"close=mid-body", rawHead + body[:18], "FIN", 18},
		{"short-body", rawHead + body[:18], "FIN", 18},
		{"http10", "HTTP/1.0 200 OK\r\n" + fields + "Content-Length: 37\r\n\r\n" + body, "FIN", 37},
		{"close-delimited", "HTTP/1.1 200 OK\r\n" + fields + "Connection: close\r\n\r\n" + body, "FIN", 37},
		{"slow-head=1MB", rawHead + body, "FIN", 37},
		{"slow-body=1MB", keptHead("200 OK", "max-age=60", "application/json", 37) + body, "kept", 37},
		{"truncated-json", keptHead("200 OK", "max-age=60", "application/json", 18) + body[:18], "kept", 18},
		{"content-type", keptHead("200 OK", "max-age=60", "text/plain", 37) + body, "kept", 37},
		{"content-type=text/html", keptHead("200 OK", "max-age=60", "text/html", 37) + body, "kept", 37},
		{"chunked=30", "HTTP/1.1 200 OK\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n1e\r\n" + body[:30] + "\r\n7\r\n" + body[30:] + "\r\n0\r\n\r\n", "kept", 37},
		{"bad-json", keptHead("200 OK", "no-store", "application/json", 18) + `{"data":{"city":]}`, "kept", 18},
		{"html", keptHead("200 OK", "no-store", "text/html; charset=utf-8", len(page)) + page, "kept", len(page)},
		{"error", keptHead("200 OK", "no-store", "application/json", len(injected)) + injected, "kept", len(injected)},
		{"error=RATE_LIMITED", keptHead("200 OK", "no-store", "application/json", 92) + strings.Replace(injected, "INJECTED", "RATE_LIMITED", 1), "kept", 92},
		{"status=503", keptHead("503 Service Unavailable", "no-store", "application/json", len(injected)) + injected, "kept", len(injected)},
		{"status=502,html", keptHead("502 Bad Gateway", "no-store", "text/html; charset=utf-8", len(page)) + page, "kept", len(page)},
		{"status=500,empty", "HTTP/1.1 500 Internal Server Error\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n", "kept", 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s, _, sent := serve(t, "tcp", rule(t, c.rule))
			conn := ask(t, s)
			got, err := readAnswer(conn, c.end, len(c.want))
			if got = date.ReplaceAllString(got, ""); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if reset := errors.Is(err, syscall.ECONNRESET); reset != (c.end == "RST") || err != nil && !reset {
				t.Errorf("it ended with %v, want %s", err, c.end)
			}
			if n := <-sent; n != int64(c.sent) {
				t.Errorf("%d bytes of body were counted, want %d", n, c.sent)
			}
			if c.end == "kept" { // the next request on the connection is answered too
				if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
					t.Fatal(err)
				}
				if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 ") {
					t.Errorf("%q %v", line, err)
				}
			}
		})
	}
}

// readAnswer reads to the end of the connection, or so many bytes (and the Date field) from one that is kept.
func readAnswer(c net.Conn, end string, n int) (string, error) {
	if end != "kept" {
		all, err := io.ReadAll(c)
		return string(all), err
	}
	all := make([]byte, n+len("Date: Wed, 25 Nov 2026 14:50:52 GMT\r\n"))
	n, err := io.ReadFull(c, all)
	return string(all[:n]), err
}

// TestStallEndsWithTheServer reads what is sent before the stall; nothing more comes until the player is closed.
func TestStallEndsWithTheServer(t *testing.T) {
	for stage, want := range map[string]string{
		"": rawHead, "=before-head": "", "=in-head": rawHead[:len(rawHead)/2], "=after-head": rawHead, "=mid-body": rawHead + body[:18],
	} {
		s, p, sent := serve(t, "tcp", rule(t, "stall"+stage))
		c := ask(t, s)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Errorf("stall%s: %q %v", stage, got, err)
		}
		select {
		case <-sent:
			t.Errorf("stall%s ended by itself", stage)
		default:
		}
		p.Close() // also before the player has the connection: then it gives it up at once
		if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
			t.Errorf("stall%s: then came %q %v", stage, rest, err)
		}
		<-sent
	}
}

func TestAStallEndsWhenTheClientLeaves(t *testing.T) {
	s, _, sent := serve(t, "tcp", rule(t, "stall"))
	c := ask(t, s)
	if _, err := io.ReadFull(c, make([]byte, len(rawHead))); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-sent
}

func TestUnixSocketsKnowNoReset(t *testing.T) {
	s, _, _ := serve(t, "unix", rule(t, "reset=mid-body"))
	if got, err := io.ReadAll(ask(t, s)); err != nil || string(got) != rawHead+body[:18] {
		t.Errorf("%q %v", got, err)
	}
}

func TestSlowIsAsSlowAsItSays(t *testing.T) {
	for text, bytes := range map[string]int{"slow-head=300": len(rawHead), "slow-body=100": len(body)} {
		s, _, _ := serve(t, "tcp", rule(t, text))
		begin := time.Now()
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || string(got) != body {
			t.Errorf("%s: %q %v", text, got, err)
		}
		perSecond := rule(t, text).Rate
		// The last piece leaves when all before it have had their time.
		if least := time.Duration(float64(bytes-perSecond/10-1) / float64(perSecond) * float64(time.Second)); time.Since(begin) < least {
			t.Errorf("%s took %s, want at least %s", text, time.Since(begin), least)
		}
	}
}

func TestADelayedBodyEndsWithItsClient(t *testing.T) {
	s, _, sent := serve(t, "tcp", rule(t, "slow-body=1"))
	c := ask(t, s)
	if _, err := io.ReadFull(c, make([]byte, len(rawHead))); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if n := <-sent; n > 5 {
		t.Errorf("%d bytes were sent to nobody", n)
	}
}

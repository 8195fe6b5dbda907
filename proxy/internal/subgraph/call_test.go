package subgraph

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/codes"
)

// scripted answers each connection by its number, from 0; the connection is closed when answer returns.
func scripted(t *testing.T, answer func(n int, c net.Conn)) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { answer(n, c); _ = c.Close() }()
		}
	}()
	c, err := New(Config{URL: "http://" + l.Addr().String() + "/graphql", MaxAnswer: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// request reads one request, which ends with an exclamation mark.
func request(c net.Conn) bool {
	b := make([]byte, 1)
	for b[0] != '!' {
		if _, err := c.Read(b); err != nil {
			return false
		}
	}
	return true
}

func call(t *testing.T, k *Call, c *Client, once bool) (string, error) {
	t.Helper()
	if err := k.Send(t.Context(), c, Ask{Body: []byte("ask!"), Deadline: time.Now().Add(5 * time.Second), Once: once}); err != nil {
		return "", err
	}
	_, content, err := k.Receive()
	return string(content), err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestAnswersByTheirFraming(t *testing.T) {
	for _, c := range []struct {
		name, sent, want string
		code             codes.Code
	}{
		{"length", ok, "ok", codes.None},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "ok", codes.None},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nok", "ok", codes.None},
		{"interim", "HTTP/1.1 103 Early Hints\r\n\r\n" + ok, "ok", codes.None},
		{"empty", "HTTP/1.1 204 No Content\r\n\r\n", "", codes.None},
		{"broken chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "", codes.SubgraphAnswer},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "", codes.SubgraphAnswer},
		{"a coding", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", "", codes.SubgraphAnswer},
		{"too long", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "", codes.SubgraphAnswer},
		{"too long without length", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 5000), "", codes.SubgraphAnswer},
		{"a head without end", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 40<<10), "", codes.SubgraphAnswer},
		{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "", codes.SubgraphClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := scripted(t, func(_ int, s net.Conn) {
				if request(s) {
					_, _ = io.WriteString(s, c.sent)
				}
			})
			got, err := call(t, new(Call), client, false)
			var failed *Error
			if errors.As(err, &failed) != (c.code != codes.None) || failed != nil && failed.Code != c.code || got != c.want {
				t.Errorf("%q %v, want %q %v", got, err, c.want, c.code)
			}
		})
	}
}

func TestAQueryIsSentAgainWhenItsConnectionWasClosedAtRest(t *testing.T) {
	var requests atomic.Int32
	client := scripted(t, func(_ int, s net.Conn) {
		if request(s) {
			requests.Add(1)
			_, _ = io.WriteString(s, ok)
		}
		request(s) // the second one is not answered
	})
	var k Call
	for range 3 {
		if got, err := call(t, &k, client, false); got != "ok" || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests were answered", n)
	}
}

func TestAMutationIsNeverSentTwice(t *testing.T) {
	var connections, requests atomic.Int32
	client := scripted(t, func(n int, s net.Conn) {
		connections.Add(1)
		if request(s) {
			requests.Add(1)
			if n == 0 {
				_, _ = io.WriteString(s, ok)
				request(s)
			}
		}
	})
	var k Call
	if _, err := call(t, &k, client, false); err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, &k, client, true); err == nil {
		t.Error("the lost mutation has an answer")
	}
	if connections.Load() != 2 || requests.Load() != 2 {
		t.Errorf("%d connections, %d requests", connections.Load(), requests.Load())
	}
}

func TestConnectionsAreKept(t *testing.T) {
	var connections atomic.Int32
	client := scripted(t, func(_ int, s net.Conn) {
		connections.Add(1)
		for request(s) {
			_, _ = io.WriteString(s, ok)
		}
	})
	var k Call
	for range 5 {
		if got, err := call(t, &k, client, false); got != "ok" || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	deadline := time.Now().Add(time.Minute)
	if n := testing.AllocsPerRun(100, func() {
		if k.Send(t.Context(), client, Ask{Body: []byte("ask!"), Deadline: deadline}) == nil {
			_, _, _ = k.Receive()
		}
	}); n > 0 {
		t.Logf("%v allocations a call, those of the test's server among them", n)
	}
}

func TestAddresses(t *testing.T) {
	for _, wrong := range []string{"", "localhost:4001", "ftp://a", "http://", "://"} {
		if _, err := New(Config{URL: wrong}); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	if _, err := New(Config{URL: "https://a"}); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerThatCameInTimeCountsWhenItIsReadLate(t *testing.T) {
	sent := make(chan struct{})
	client := scripted(t, func(_ int, s net.Conn) {
		if request(s) {
			_, _ = io.WriteString(s, ok)
			close(sent)
			request(s)
		}
	})
	var k Call
	deadline := time.Now().Add(50 * time.Millisecond)
	if err := k.Send(t.Context(), client, Ask{Body: []byte("ask!"), Deadline: deadline}); err != nil {
		t.Fatal(err)
	}
	<-sent
	time.Sleep(time.Until(deadline))
	if _, content, err := k.Receive(); string(content) != "ok" || err != nil {
		t.Errorf("%q %v", content, err)
	}
}

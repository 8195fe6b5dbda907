package load

import (
	"bufio"
	"bytes"
	"errors"
	"testing"

	"github.com/valyala/fasthttp"
)

const hello = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"

func TestResponse(t *testing.T) {
	for _, c := range []struct {
		name, in    string
		status      int
		body, cache string
		close       bool
	}{
		{"length", hello, 200, "hello", "", false},
		{"chunked", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nCache-Status: weir; hit\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n", 200, "hello", "weir; hit", false},
		{"interim", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + hello, 200, "hello", "", false},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", "", false},
		{"not modified with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, "", "", false},
		{"until close", "HTTP/1.1 502 Bad\r\n\r\noh", 502, "oh", "", true},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x", "", true},
		{"HTTP/1.0 kept alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", 200, "x", "", false},
		{"closed", "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", 200, "x", "", true},
		{"last Cache-Status", "HTTP/1.1 200 OK\r\nCache-Status: a; hit\r\nCACHE-STATUS:\tweir; fwd=miss \r\nContent-Length: 0\r\n\r\n", 200, "", "weir; fwd=miss", false},
	} {
		for split := range len(c.in) + 1 { // whatever arrives first, the result is the same
			var r response
			r.reset()
			b := []byte(c.in)
			n, done, err := r.feed(b[:split], false)
			if err != nil {
				t.Fatalf("%s at %d: %v", c.name, split, err)
			}
			if !done {
				n, done, err = r.feed(b, true)
			}
			if err != nil || !done || n != len(b) {
				t.Fatalf("%s at %d: %d of %d bytes, done %v, %v", c.name, split, n, len(b), done, err)
			}
			if r.status != c.status || string(r.body(b, n)) != c.body || string(r.cacheStatus.of(b)) != c.cache || r.close != c.close {
				t.Fatalf("%s at %d: %d %q cache %q close %v", c.name, split, r.status, r.body(b, n), r.cacheStatus.of(b), r.close)
			}
		}
	}
}

func TestBadResponse(t *testing.T) {
	for _, in := range []string{
		"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n",
	} {
		var r response
		r.reset()
		if _, _, err := r.feed([]byte(in), true); !errors.Is(err, errBadResponse) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// FuzzResponse feeds random bytes in two parts, and compares what is accepted with fasthttp's reader.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(hello), 7)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n"), 50)
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\n"+hello), 3)
	f.Fuzz(func(t *testing.T, b []byte, split int) {
		split = min(max(split, 0), len(b))
		var whole, parts response
		whole.reset()
		parts.reset()
		n, done, err := whole.feed(b, false)
		if early, already, bad := parts.feed(b[:split], false); bad == nil && !already {
			m, again, bad := parts.feed(b, false)
			if again != done || !errors.Is(bad, err) || done && m != n {
				t.Fatalf("in parts %d %v %v, whole %d %v %v", m, again, bad, n, done, err)
			}
		} else if already && (!done || early != n) {
			t.Fatalf("done with %d of %d bytes, whole %d %v %v", early, split, n, done, err)
		}
		if !done || err != nil {
			return
		}
		if n > len(b) {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		var peer fasthttp.Response
		if err := peer.Read(bufio.NewReader(bytes.NewReader(b))); err != nil || peer.StatusCode() != whole.status || whole.framing == byClose {
			return // each is stricter than the other somewhere
		}
		if !bytes.Equal(peer.Body(), whole.body(b, n)) {
			t.Fatalf("body %q, fasthttp reads %q", whole.body(b, n), peer.Body())
		}
	})
}

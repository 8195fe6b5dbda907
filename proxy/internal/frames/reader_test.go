package frames

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// frame writes one frame.
func frame(op byte, fin, rsv1, masked bool, payload string) []byte {
	b0 := op
	if fin {
		b0 |= finBit
	}
	if rsv1 {
		b0 |= rsv1Bit
	}
	b := []byte{b0}
	mask := byte(0)
	if masked {
		mask = maskBit
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = append(b, mask|126, byte(n>>8), byte(n))
	default:
		b = append(b, mask|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	if !masked {
		return append(b, payload...)
	}
	key := [4]byte{7, 99, 200, 31}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i&3])
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func messages(r *Reader, b []byte) (got []string) {
	r.Feed(b, func(m []byte) { got = append(got, string(m)) })
	return got
}

func TestMessages(t *testing.T) {
	long := strings.Repeat("long ", 20_000)
	for _, masked := range []bool{false, true} {
		in := join(
			frame(opText, true, false, masked, "one"),
			frame(opText, false, false, masked, "tw"), frame(0x9, true, false, masked, "ping"), frame(opContinuation, false, false, masked, ""),
			frame(opContinuation, true, false, masked, "o"), frame(opBinary, true, false, masked, "binary"), frame(opText, true, false, masked, ""),
			frame(opText, true, false, masked, long), frame(opText, true, false, masked, strings.Repeat("x", 200)), frame(0x8, true, false, masked, "\x03\xe8"),
		)
		want := []string{"one", "two", "", long, strings.Repeat("x", 200)}
		for _, step := range []int{1, 2, 3, 7, 1000, len(in)} {
			r := NewReader(nil, 1<<20)
			var got []string
			for rest := in; len(rest) > 0; {
				n := min(step, len(rest))
				got = append(got, messages(r, rest[:n])...)
				rest = rest[n:]
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || r.Reason() != Following {
				t.Fatalf("masked %v, %d bytes at a time: %d messages, %v", masked, step, len(got), r.Reason())
			}
		}
	}
}

func TestWhatCannotBeFollowed(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want Reason
	}{
		"reserved opcode":              {[]byte{0x83, 0}, Broken},
		"control frame in parts":       {[]byte{0x09, 0}, Broken},
		"long control frame":           {[]byte{0x89, 126, 0, 200}, Broken},
		"continuation of nothing":      {frame(opContinuation, true, false, false, "x"), Broken},
		"a message within another":     {join(frame(opText, false, false, false, "x"), frame(opText, true, false, false, "y")), Broken},
		"length above 63 bits":         {[]byte{0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, Broken},
		"compressed without agreement": {frame(opText, true, true, false, "x"), Extension},
		"reserved bit":                 {[]byte{0xa1, 0}, Extension},
		"HTTP instead of frames":       {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), Extension},
	} {
		r := NewReader(nil, 1<<20)
		if got := messages(r, c.in); len(got) > 0 || r.Reason() != c.want {
			t.Errorf("%s: %q, %v, want %v", name, got, r.Reason(), c.want)
		}
		if got := messages(r, frame(opText, true, false, false, "later")); len(got) > 0 {
			t.Errorf("%s: it goes on with %q", name, got)
		}
	}
}

func TestTooLongMessagesAreSkippedAndCounted(t *testing.T) {
	r := NewReader(nil, 10)
	got := messages(r, join(frame(opText, true, false, false, "0123456789a"), frame(opText, true, false, false, "short")))
	if fmt.Sprint(got) != "[short]" || r.Skipped() != 1 || r.Reason() != Following {
		t.Errorf("%q, %d skipped, %v", got, r.Skipped(), r.Reason())
	}
}

func TestNegotiated(t *testing.T) {
	for field, want := range map[string]string{
		"":                   "- - true",
		"permessage-deflate": "takeover takeover true",
		"Permessage-Deflate; client_no_context_takeover; server_max_window_bits=10":  "alone takeover true",
		"permessage-deflate;server_no_context_takeover ; client_no_context_takeover": "alone alone true",
		"x-webkit-deflate-frame":               "- - false",
		"permessage-deflate; other":            "- - false",
		"permessage-deflate, bbf-usp-protocol": "- - false",
	} {
		name := func(d *Deflate) string {
			switch {
			case d == nil:
				return "-"
			case d.Takeover:
				return "takeover"
			}
			return "alone"
		}
		client, server, ok := Negotiated(field)
		if got := fmt.Sprint(name(client), " ", name(server), " ", ok); got != want {
			t.Errorf("%q: %s, want %s", field, got, want)
		}
	}
}

// tap records both directions of the first connection through it.
type tap struct {
	mu             sync.Mutex
	client, server bytes.Buffer
}

func (p *tap) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return &tapped{c, p}, err
}

type tapped struct {
	net.Conn
	p *tap
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.server.Write(b[:n])
	return n, err
}

func (c *tapped) Write(b []byte) (int, error) {
	c.p.mu.Lock()
	c.p.client.Write(b)
	c.p.mu.Unlock()
	return c.Conn.Write(b)
}

// TestAgainstAWebSocketLibrary sends messages of many sizes both ways through a library, compressed and not, and reads the bytes that passed.
func TestAgainstAWebSocketLibrary(t *testing.T) {
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover} {
		rng := rand.New(rand.NewPCG(1, uint64(mode)))
		var sent []string
		for i := range 60 {
			m := fmt.Sprintf(`{"id":"%d","type":"next","payload":{"data":{"n":"`, i)
			for range rng.IntN(3000) {
				m += string(rune('a' + rng.IntN(4)))
			}
			sent = append(sent, m+`"}}}`)
		}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			c, err := websocket.Accept(w, q, &websocket.AcceptOptions{CompressionMode: mode, CompressionThreshold: 1})
			if err != nil {
				return
			}
			defer c.CloseNow()
			for {
				kind, m, err := c.Read(q.Context())
				if err != nil || c.Write(q.Context(), kind, m) != nil {
					return
				}
			}
		}))
		p := &tap{}
		transport := &http.Transport{DialContext: p.dial}
		c, res, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: transport}, CompressionMode: mode, CompressionThreshold: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sent {
			if err := c.Write(t.Context(), websocket.MessageText, []byte(m)); err != nil {
				t.Fatal(err)
			}
			if _, back, err := c.Read(t.Context()); err != nil || string(back) != m {
				t.Fatalf("%v", err)
			}
		}
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Fatal(err)
		}
		transport.CloseIdleConnections()
		s.Close()
		client, server, ok := Negotiated(res.Header.Get("Sec-WebSocket-Extensions"))
		if !ok || (client != nil) != (mode != websocket.CompressionDisabled) {
			t.Fatalf("negotiated %q", res.Header.Get("Sec-WebSocket-Extensions"))
		}
		p.mu.Lock()
		for _, d := range []struct {
			name    string
			bytes   []byte
			deflate *Deflate
		}{{"client", p.client.Bytes(), client}, {"server", p.server.Bytes(), server}} {
			_, frames, _ := bytes.Cut(d.bytes, []byte("\r\n\r\n"))
			r := NewReader(d.deflate, 1<<20)
			var got []string
			for len(frames) > 0 {
				n := min(1+rng.IntN(5000), len(frames))
				got = append(got, messages(r, frames[:n])...)
				frames = frames[n:]
			}
			if len(got) != len(sent) || strings.Join(got, "\n") != strings.Join(sent, "\n") || r.Reason() != Following {
				t.Errorf("mode %v, %s: %d messages of %d, %v", mode, d.name, len(got), len(sent), r.Reason())
			}
		}
		p.mu.Unlock()
	}
}

// FuzzReader: whatever arrives in whatever pieces, nothing panics, nothing grows beyond its bound, and the pieces do not matter.
func FuzzReader(f *testing.F) {
	f.Add(join(frame(opText, true, false, true, "one"), frame(opText, false, false, true, "t"), frame(opContinuation, true, false, true, "wo")), 3, true)
	f.Add(frame(opText, true, true, false, "\xaaVJ\xcb,.)MU\xb2\xaa\x05\x00"), 1, true)
	f.Fuzz(func(t *testing.T, b []byte, step int, compressed bool) {
		var deflate *Deflate
		if compressed {
			deflate = &Deflate{true}
		}
		const limit = 4096
		whole, parts := NewReader(deflate, limit), NewReader(deflate, limit)
		want := messages(whole, b)
		var got []string
		for rest := b; len(rest) > 0; {
			n := min(max(step, 1), len(rest))
			got = append(got, messages(parts, rest[:n])...)
			rest = rest[n:]
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || whole.Reason() != parts.Reason() {
			t.Fatalf("in parts %q %v, whole %q %v", got, parts.Reason(), want, whole.Reason())
		}
		for _, m := range want {
			if len(m) > limit {
				t.Fatalf("a message of %d bytes", len(m))
			}
		}
	})
}

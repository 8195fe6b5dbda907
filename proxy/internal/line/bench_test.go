package line

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// BenchmarkMiss is everything that Weir does for a request whose key is new, but for its sockets: the answer is read, priced and stored.
func BenchmarkMiss(b *testing.B) {
	p := testPolicy(b)
	l := newLine(b, &p)
	answer := []byte(`{"data":{"book":{"id":"1","title":"` + strings.Repeat("w", 1024-46) + `"}}}`)
	const document = `{"query":"query Book($id: ID!) { book(id: $id) { id title } } #---------------------------------------------","variables":{"id":"c%08d"}}`
	h := requestHead(b, "POST /graphql", jsonLine)
	r := responseHead(b, 200, jsonLine, "Server: fasthttp", "Date: Tue, 24 Nov 2026 10:00:00 GMT")
	body := []byte(fmt.Sprintf(document, 0))
	digits := body[len(body)-11 : len(body)-3]
	var x Exchange
	var lines []byte
	ctx, now := context.Background(), noon
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		for i := len(digits) - 1; ; i-- {
			if digits[i]++; digits[i] <= '9' {
				break
			}
			digits[i] = '0'
		}
		if class, _ := l.Begin(&x, h, now); class != Post {
			b.Fatalf("class %d", class)
		}
		if action, reason := l.Decide(ctx, &x, h, body, now); action != Relay || reason != ReasonNone || !x.Leads() {
			b.Fatalf("action %d, reason %v, leads %v", action, reason, x.Leads())
		}
		x.Forwarded, x.Fetches = now, 1
		if w := l.Watch(&x, r); w.Capture == 0 {
			b.Fatal("not captured")
		}
		lines = l.AppendLines(lines[:0], &x)
		l.Finish(ctx, &x, r, answer, now)
		l.Emit(&x, now)
	}
	if l.cfg.Cache.Stats().Stored == 0 {
		b.Error("nothing was stored")
	}
}

// BenchmarkHit is everything that Weir does for a request that the cache answers, but for its sockets.
func BenchmarkHit(b *testing.B) {
	p := testPolicy(b)
	l := newLine(b, &p)
	body := jsonBody(`query Book($id: ID!) { book(id: $id) { id title } }`, `{"id":"1"}`)
	message := []byte("POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: application/json\r\nUser-Agent: bench\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n")
	r := responseHead(b, 200, jsonLine, "Server: fasthttp", "Date: Tue, 24 Nov 2026 10:00:00 GMT")
	content := []byte(`{"data":{"book":{"id":"1","title":"` + strings.Repeat("w", 1024-46) + `"}}}`)
	var x Exchange
	var h wire.RequestHead
	var w answer.Writer
	var out []byte
	ctx, now := context.Background(), noon
	hits := 0
	once := func() {
		now += 1000
		if v := h.Parse(message, 16<<10); v != wire.OK {
			b.Fatalf("verdict %v", v)
		}
		l.Begin(&x, &h, now)
		x.BytesIn = int64(len(message) + len(body))
		switch action, _ := l.Decide(ctx, &x, &h, body, now); action {
		case Answer:
			var rest []byte
			out, rest = l.AppendAnswer(out[:0], &x, &h, &w, answer.Connection{Minor: 1}, now)
			x.BytesOut = int64(len(out) + len(rest))
			hits++
		default:
			x.Forwarded, x.Fetches = now, 1
			l.Watch(&x, r)
			l.Finish(ctx, &x, r, content, now)
		}
		l.Emit(&x, now+500)
	}
	once()
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
	if hits < b.N {
		b.Errorf("%d hits of %d", hits, b.N)
	}
}

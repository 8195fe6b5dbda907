package fault

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Answer is what the server would have said.
type Answer struct {
	Status int
	Header http.Header // without Content-Length
	Body   []byte
}

// Player plays faults. It owns the connections it took from their servers until they are closed.
type Player struct {
	ctx  context.Context
	stop context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// NewPlayer returns a player at work until Close.
func NewPlayer() *Player {
	p := &Player{conns: map[net.Conn]bool{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// Close ends everything under way.
func (p *Player) Close() {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // a connection that is given up
	}
}

// page is what proxies and app servers say when they are asked for JSON.
const page = "<!DOCTYPE html>\n<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>\n"

// Play sends an answer with the rule's fault and returns how many bytes of body were sent. An answer that the rule replaces may be nil.
func (p *Player) Play(w http.ResponseWriter, r *http.Request, rule *Rule, a *Answer) int64 {
	if a == nil {
		a = replacement(rule)
	}
	switch rule.Kind {
	case Reset, Close, Stall, SlowHead, ShortBody, HTTP10, CloseDelimited:
		return p.raw(w, rule, a)
	case SlowBody:
		send(w, a, len(a.Body))
		return drip(r.Context(), a.Body, rule.Rate, func(b []byte) error { return flush(w, b) })
	case Chunked:
		send(w, a, -1)
		return pieces(a.Body, rule.Size, func(b []byte) error { return flush(w, b) })
	case TruncatedJSON:
		a.Body = a.Body[:len(a.Body)/2]
	case ContentType:
		a.Header.Set("Content-Type", rule.Text)
	}
	send(w, a, len(a.Body))
	n, _ := w.Write(a.Body) // the client is gone: nobody is left to tell
	return int64(n)
}

// replacement is the answer of a rule under which the request is not executed.
func replacement(rule *Rule) *Answer {
	a := &Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}}
	code := "INJECTED"
	if rule.Kind == Error {
		code = rule.Text
	}
	a.Body = []byte(fmt.Sprintf(`{"errors":[{"message":"injected failure","extensions":{"code":%q}}],"data":null}`, code))
	if rule.Kind == Status {
		a.Status = rule.Status
	}
	switch {
	case rule.Kind == BadJSON:
		a.Body = []byte(`{"data":{"city":]}`)
	case rule.Kind == HTML, rule.Body == "html":
		a.Header.Set("Content-Type", "text/html; charset=utf-8")
		a.Body = []byte(page)
	case rule.Body == "empty" || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified:
		a.Header.Del("Content-Type")
		a.Body = nil
	}
	return a
}

// send writes the head; length -1 leaves it to chunks.
func send(w http.ResponseWriter, a *Answer, length int) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	if length >= 0 && a.Status != http.StatusNoContent && a.Status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(a.Status)
}

func flush(w http.ResponseWriter, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// pieces writes b in pieces of a size.
func pieces(b []byte, size int, write func([]byte) error) (sent int64) {
	for len(b) > 0 {
		n := min(size, len(b))
		if write(b[:n]) != nil {
			return sent
		}
		sent += int64(n)
		b = b[n:]
	}
	return sent
}

// drip writes b at a rate, in pieces of a tenth of a second or of one byte.
func drip(ctx context.Context, b []byte, perSecond int, write func([]byte) error) int64 {
	size := max(1, perSecond/10)
	timer := time.NewTimer(0)
	defer timer.Stop()
	begin, done := time.Now(), 0
	return pieces(b, size, func(piece []byte) error {
		// The n-th piece is due when all before it would have been sent: lateness does not add up.
		timer.Reset(time.Until(begin.Add(time.Duration(float64(done) / float64(perSecond) * float64(time.Second)))))
		done += len(piece)
		select {
		case <-timer.C:
			return write(piece)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// raw takes the connection over and writes the answer by hand.
func (p *Player) raw(w http.ResponseWriter, rule *Rule, a *Answer) int64 {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil { // no connection to break, as in a recorder
		panic(http.ErrAbortHandler)
	}
	defer p.release(conn)
	if !p.keep(conn) {
		return 0
	}
	_ = conn.SetDeadline(time.Time{})
	head := appendHead(nil, rule, a)
	switch rule.Kind {
	case SlowHead:
		if drip(p.ctx, head, rule.Rate, writer(conn)) < int64(len(head)) {
			return 0
		}
		return pieces(a.Body, len(a.Body), writer(conn))
	case HTTP10, CloseDelimited:
		return max(0, pieces(append(head, a.Body...), len(head)+len(a.Body), writer(conn))-int64(len(head)))
	}
	cut := append(head, a.Body...)[:length(rule, len(head), len(a.Body))]
	sent := pieces(cut, max(1, len(cut)), writer(conn)) - int64(len(head))
	switch rule.Kind {
	case Reset:
		if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0) // without it the client sees an end instead of a reset
		}
	case Stall:
		for err == nil { // until the client leaves, or Close closes the connection
			_, err = buffered.Discard(1)
		}
	}
	return max(0, sent)
}

// length says how much of head and body is sent at the rule's stage.
func length(rule *Rule, head, body int) int {
	switch rule.Stage {
	case BeforeHead:
		return 0
	case InHead:
		return head / 2
	case AfterHead:
		return head
	}
	return head + body/2
}

func writer(c net.Conn) func([]byte) error {
	return func(b []byte) error {
		_, err := c.Write(b)
		return err
	}
}

// appendHead writes a head that says the connection ends, with the fields in a fixed order.
func appendHead(dst []byte, rule *Rule, a *Answer) []byte {
	version := "HTTP/1.1"
	if rule.Kind == HTTP10 {
		version = "HTTP/1.0"
	}
	b := bytes.NewBuffer(dst)
	fmt.Fprintf(b, "%s %d %s\r\n", version, a.Status, http.StatusText(a.Status))
	_ = a.Header.Write(b) // a buffer takes everything
	if rule.Kind != CloseDelimited {
		fmt.Fprintf(b, "Content-Length: %d\r\n", len(a.Body))
	}
	if rule.Kind != HTTP10 {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func (p *Player) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Player) release(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

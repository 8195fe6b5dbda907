package serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/listen"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// defective are stages of which one panics.
type defective struct {
	Stages
	at string
}

func (b *defective) trip(stage string) {
	if b.at == stage {
		panic("defect in " + stage)
	}
}

func (b *defective) Begin(x *line.Exchange, h *wire.RequestHead, now int64) (line.Class, line.Reason) {
	class, reason := b.Stages.Begin(x, h, now)
	b.trip("begin")
	return class, reason
}

func (b *defective) Decide(ctx context.Context, x *line.Exchange, h *wire.RequestHead, body []byte, now int64) (line.Action, line.Reason) {
	action, reason := b.Stages.Decide(ctx, x, h, body, now)
	b.trip("decide")
	return action, reason
}

func (b *defective) AppendAnswer(dst []byte, x *line.Exchange, h *wire.RequestHead, w *answer.Writer, k answer.Connection, now int64) (head, body []byte) {
	b.trip("answer")
	return b.Stages.AppendAnswer(dst, x, h, w, k, now)
}

func (b *defective) AppendRefusal(dst []byte, x *line.Exchange, h *wire.RequestHead, w *answer.Writer, k answer.Connection, now int64) []byte {
	b.trip("refusal")
	return b.Stages.AppendRefusal(dst, x, h, w, k, now)
}

func (b *defective) AppendLines(dst []byte, x *line.Exchange) []byte {
	b.trip("lines")
	return b.Stages.AppendLines(dst, x)
}

func (b *defective) Watch(x *line.Exchange, r *wire.ResponseHead) line.Watch {
	b.trip("watch")
	return b.Stages.Watch(x, r)
}

func (b *defective) Finish(ctx context.Context, x *line.Exchange, r *wire.ResponseHead, content []byte, now int64) {
	b.trip("finish")
	b.Stages.Finish(ctx, x, r, content, now)
}

func (b *defective) Emit(x *line.Exchange, now int64) {
	b.trip("emit")
	b.Stages.Emit(x, now)
}

func TestPanicOfAStageCostsInsightOnly(t *testing.T) {
	for _, stage := range []string{"begin", "decide", "answer", "lines", "watch", "finish", "emit"} {
		t.Run(stage, func(t *testing.T) {
			o := startOrigin(t, books(func() string { return "a" }))
			r := newRig(t)
			trap := &defective{at: stage}
			r.wrap = func(s Stages) Stages { trap.Stages = s; return trap }
			r.start(o.address)
			c := r.dial()
			for i := range 3 {
				if res, body := c.ask(bookQuery); res.StatusCode != 200 || body != bookBody {
					t.Errorf("answer %d: %d %q", i, res.StatusCode, body)
				}
			}
			c.send(plainGet)
			if res, _ := c.receive("GET"); res.StatusCode != 200 {
				t.Errorf("plain: %d", res.StatusCode)
			}
			if n := r.server.Stats().Panics; n == 0 {
				t.Error("no panic was counted")
			}
		})
	}
}

func TestRefusalThatPanicsIsARefusal(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Validation = policy.Enforce
	r.wrap = func(s Stages) Stages { return &defective{Stages: s, at: "refusal"} }
	r.start(o.address)
	if res, _ := r.dial().ask(`{ nobody }`); res.StatusCode != 500 || res.Header.Get("Weir-Error") != "internal" || o.count() != 0 {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// TestMutationsThatCannotBeReadInvalidateFirst: whatever becomes of a mutation's answer, what the client reads next is not stale.
func TestMutationsThatCannotBeReadInvalidateFirst(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		broken bool
	}{
		{"server error", func(w http.ResponseWriter) { http.Error(w, "down", http.StatusServiceUnavailable) }, false},
		{"longer than what is held", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"data":{"setBook":{"__typename":"Book","id":"1","title":"`+strings.Repeat("x", 2<<20)+`"}}}`)
		}, false},
		{"event stream", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: next\ndata: {}\n\n")
		}, false},
		{"not JSON", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "oops")
		}, false},
		{"connection lost", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, true},
		{"connection lost within the answer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"data":`)
			panic(http.ErrAbortHandler)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var title atomic.Value
			title.Store("old")
			o := startOrigin(t, func(w http.ResponseWriter, body string) {
				if strings.Contains(body, "setBook") {
					title.Store("new")
					c.answer(w)
					return
				}
				books(func() string { return title.Load().(string) })(w, body)
			})
			r := newRig(t)
			r.start(o.address)
			reader := r.dial()
			reader.ask(bookQuery)
			waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
			writer := r.dial()
			writer.send(post(setBook))
			if c.broken {
				_, _ = io.Copy(io.Discard, writer.r)
			} else {
				writer.receive("POST")
			}
			if res, body := reader.ask(bookQuery); !strings.Contains(body, "new") {
				t.Errorf("%v %s", res.Header, body)
			}
		})
	}
}

func TestFollowersDoNotWaitForAFillThatBroke(t *testing.T) {
	var asked atomic.Int64
	release := make(chan struct{})
	address := startRaw(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		if asked.Add(1) > 1 {
			_, _ = io.WriteString(c, message(bookBody))
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		<-release
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	r := newRig(t)
	r.policy.Cache.Collapse = time.Hour
	r.start(address)
	leader, follower := r.dial(), r.dial()
	leader.send(post(bookQuery))
	waitFor(t, func() bool { return asked.Load() == 1 })
	follower.send(post(bookQuery))
	waitFor(t, func() bool { return r.server.Stats().Requests == 2 })
	close(release)
	if _, body := follower.receive("POST"); body != bookBody {
		t.Errorf("%q", body)
	}
	if part, err := io.ReadAll(leader.r); err == nil || !strings.HasSuffix(string(part), "{") {
		t.Errorf("the leader's client saw %q and then %v, want a reset", part, err)
	}
}

func TestClientResetDuringAFillLeavesTheEntry(t *testing.T) {
	release := make(chan struct{})
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "60")
		_, _ = io.WriteString(w, bookBody[:10])
		w.(http.Flusher).Flush()
		<-release
		_, _ = io.WriteString(w, bookBody[10:])
	})
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	c.send(post(bookQuery))
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	_ = c.c.(*net.TCPConn).SetLinger(0)
	c.c.Close()
	close(release)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	if res, _ := r.dial().ask(bookQuery); !isHit(res) || o.count() != 1 {
		t.Errorf("%v, origin asked %d times", res.Header, o.count())
	}
}

// lost counts the requests that are given up.
type lost struct {
	Stages
	n int
}

func (l *lost) Gone(context.Context, *line.Exchange, int64) { l.n++ }

func TestUpstreamThatWasDroppedDoesNotGiveUpTheRequestsOfTheNext(t *testing.T) {
	spy := &lost{}
	c := newConn(&Server{line: spy}, listen.Conn{})
	dropped := &upstream{}
	c.up = &upstream{}
	c.queue.push(c.turn(turnRelay, &line.Exchange{}))
	if c.release(dropped); spy.n != 0 {
		t.Errorf("%d requests of another connection were given up", spy.n)
	}
	if c.release(c.up); spy.n != 1 {
		t.Errorf("%d requests were given up, want 1", spy.n)
	}
}

// TestResetBetweenPipelinedRequests: the second request waits for the answer of the first, in the middle of reading its connection, and the
// upstream resets instead. The client sees the reset, and nobody is left waiting for somebody who waits for him.
func TestResetBetweenPipelinedRequests(t *testing.T) {
	address := startRaw(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		if q, err := http.ReadRequest(in); err == nil {
			_, _ = io.Copy(io.Discard, q.Body)
			_, _ = io.WriteString(c, message(bookBody))
			_, _ = http.ReadRequest(in)
			_ = c.(*net.TCPConn).SetLinger(0)
		}
	})
	r := newRig(t)
	r.policy.Cache.Collapse = 0
	r.start(address)
	for i := range 20 {
		k := r.dial()
		k.ask(fmt.Sprintf(`{ book { id title n%d: id } }`, i)) // from here on the connection is read by a feed
		k.send(post(fmt.Sprintf(`{ book { id a%d: id } }`, i)) + post(fmt.Sprintf(`{ book { id b%d: id } }`, i)))
		_ = k.c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := k.r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v, want a reset", err)
		}
	}
}

// TestCloseWhileAnswersCome: the server ends while its pumps are in the middle of reading.
func TestCloseWhileAnswersCome(t *testing.T) {
	for range 50 {
		o := startOrigin(t, books(func() string { return "a" }))
		r := newRig(t)
		r.policy.Cache.Enabled = false
		r.start(o.address)
		var clients sync.WaitGroup
		for range 4 {
			k := r.dial()
			clients.Go(func() {
				for {
					if _, err := io.WriteString(k.c, post(bookQuery)); err != nil {
						return
					}
					res, err := http.ReadResponse(k.r, nil)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
				}
			})
		}
		waitFor(t, func() bool { return o.count() >= 40 })
		r.server.Close()
		clients.Wait()
	}
}

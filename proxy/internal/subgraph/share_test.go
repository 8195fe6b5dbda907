package subgraph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/proxy/internal/codes"
)

// inMemory answers each connection by its number, from 0, over a pipe; the connection is closed when answer returns.
func inMemory(t *testing.T, cfg Config, answer func(n int, c net.Conn)) *Client {
	t.Helper()
	var dialed atomic.Int32
	cfg.URL, cfg.Share = "http://a/graphql", true
	cfg.Resolve = func(context.Context, string) ([]string, error) { return nil, nil }
	cfg.Dial = func(context.Context, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		n := int(dialed.Add(1)) - 1
		go func() { answer(n, theirs); _ = theirs.Close() }()
		return ours, nil
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// slow answers each request after a second.
func slow(_ int, c net.Conn) {
	for request(c) {
		time.Sleep(time.Second)
		_, _ = io.WriteString(c, ok)
	}
}

// question is one that may share, with a minute's time.
func question(leash *Leash) Ask {
	now := time.Now()
	return Ask{Body: []byte("ask!"), Now: now, Deadline: now.Add(time.Minute), Share: true, Leash: leash}
}

// received is what came of a call.
type received struct {
	content string
	err     error
	after   time.Duration
}

// receive receives in a goroutine of its own.
func receive(k *Call) <-chan received {
	done, began := make(chan received, 1), time.Now()
	go func() {
		_, content, err := k.Receive()
		done <- received{string(content), err, time.Since(began)}
	}()
	return done
}

func send(t *testing.T, c *Client, a Ask) *Call {
	t.Helper()
	k := new(Call)
	if err := k.Send(t.Context(), c, a); err != nil {
		t.Fatal(err)
	}
	return k
}

// well checks that a call has its answer.
func well(t *testing.T, name string, r received) {
	t.Helper()
	if r.content != "ok" || r.err != nil {
		t.Errorf("%s: %q %v", name, r.content, r.err)
	}
}

func TestIdenticalRequestsShareOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Config{}, slow)
		var all []<-chan received
		for i := range 10 {
			a := question(nil)
			a.Lines, a.Own = fmt.Appendf(nil, "a: b\r\ntraceparent: %d\r\n", i), len("a: b\r\n")
			k := send(t, c, a)
			if k.Joined() != (i > 0) {
				t.Errorf("%d joined: %v", i, k.Joined())
			}
			all = append(all, receive(k))
		}
		for i, done := range all {
			well(t, fmt.Sprint(i), <-done)
		}
		if st := c.Stats(); st.Calls != 1 || st.Shared != 9 {
			t.Errorf("%+v", st)
		}
		if k := send(t, c, question(nil)); k.Joined() {
			t.Error("an exchange that has ended was joined")
		} else {
			well(t, "the next", <-receive(k))
		}
	})
}

func TestRequestsThatDifferShareNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with := func(edit func(*Ask)) Ask {
			a := question(nil)
			a.Lines = []byte("authorization: one\r\n")
			a.Own = len(a.Lines)
			edit(&a)
			return a
		}
		asks := []Ask{
			with(func(*Ask) {}),
			with(func(a *Ask) { a.Lines = []byte("authorization: two\r\n") }),
			with(func(a *Ask) { a.Lines, a.Own = nil, 0 }),
			with(func(a *Ask) { a.Body = []byte("esk!") }),
			with(func(a *Ask) { a.Once = true }),
			with(func(a *Ask) { a.Share = false }),
			with(func(a *Ask) { a.Deadline = a.Deadline.Add(-time.Second) }),
			with(func(a *Ask) { a.News = 1 }),
		}
		c := inMemory(t, Config{}, slow)
		var all []<-chan received
		for i, a := range asks {
			k := send(t, c, a)
			if k.Joined() {
				t.Errorf("%d joined", i)
			}
			all = append(all, receive(k))
		}
		c.Bar()
		if k := send(t, c, asks[0]); k.Joined() {
			t.Error("an exchange of before the bar was joined")
		} else {
			all = append(all, receive(k))
		}
		for i, done := range all {
			well(t, fmt.Sprint(i), <-done)
		}
		if st := c.Stats(); int(st.Calls) != len(asks)+1 || st.Shared != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// Each sends one request and joins the other's, and wants the answer that it joined first.
func TestCallsThatJoinCrosswiseDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := inMemory(t, Config{}, slow), inMemory(t, Config{}, slow)
		ax, by := send(t, x, question(nil)), send(t, y, question(nil))
		ay, bx := send(t, y, question(nil)), send(t, x, question(nil))
		if !ay.Joined() || !bx.Joined() {
			t.Error("nobody joined")
		}
		var all sync.WaitGroup
		for _, order := range [][]*Call{{ay, ax}, {bx, by}} {
			all.Go(func() {
				for _, k := range order {
					well(t, "crosswise", <-receive(k))
				}
			})
		}
		began := time.Now()
		all.Wait()
		if d := time.Since(began); d > 2*time.Second {
			t.Error(d)
		}
	})
}

func TestWhoeverWantsTheAnswerFirstReadsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Config{}, slow)
		sender, other := send(t, c, question(nil)), send(t, c, question(nil))
		r := <-receive(other)
		well(t, "the one who joined", r)
		if r.after != time.Second {
			t.Error(r.after)
		}
		other.Release()
		well(t, "the sender", <-receive(sender))
	})
}

func TestAClientThatLeavesFailsNobodyElse(t *testing.T) {
	for _, c := range []struct {
		name                    string
		senderReads, senderGoes bool
	}{{"the reading sender", true, true}, {"the sender", false, true}, {"a reading member", false, false}, {"a member", true, false}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := inMemory(t, Config{}, slow)
				var one, two Leash
				sender, other := send(t, client, question(&one)), send(t, client, question(&two))
				first, second := sender, other
				if !c.senderReads {
					first, second = other, sender
				}
				a := receive(first)
				synctest.Wait()
				b := receive(second)
				synctest.Wait()
				leash, goes, stays := &two, b, a
				if c.senderGoes {
					leash = &one
				}
				if c.senderGoes == c.senderReads {
					goes, stays = a, b
				}
				leash.Leave()
				r := <-stays
				well(t, c.name, r)
				if r.after != time.Second {
					t.Error(r.after)
				}
				<-goes
				if one.Busy() || two.Busy() || client.Stats().Calls != 1 {
					t.Errorf("%v %v %+v", one.Busy(), two.Busy(), client.Stats())
				}
			})
		})
	}
}

// A member whose client leaves is told at once, and the last one ends the exchange.
func TestTheLastMemberEndsTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{}, 1)
		c := inMemory(t, Config{}, func(_ int, s net.Conn) {
			request(s)
			request(s) // there is no answer
			closed <- struct{}{}
		})
		var one, two Leash
		a := receive(send(t, c, question(&one)))
		synctest.Wait()
		b := receive(send(t, c, question(&two)))
		synctest.Wait()
		two.Leave()
		if r := <-b; r.err == nil || r.after != 0 {
			t.Errorf("%+v", r)
		}
		one.Leave()
		synctest.Wait()
		if k := new(Call); k.Send(t.Context(), c, question(&one)) == nil {
			t.Error("a call of a client that had left was sent")
		}
		if r := <-a; r.err == nil || r.after != 0 {
			t.Errorf("%+v", r)
		}
		<-closed
		if st := c.Stats(); one.Busy() || two.Busy() || st.Failed["timeout"] != 0 || len(c.calls) != 0 {
			t.Errorf("%v %v %+v", one.Busy(), two.Busy(), st)
		}
	})
}

func TestAllThatLeaveBeforeTheyReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Config{}, slow)
		var l Leash
		a, b := send(t, c, question(&l)), send(t, c, question(&l))
		l.Leave()
		if k := send(t, c, question(nil)); k.Joined() {
			t.Error("an exchange without members was joined")
		} else {
			well(t, "one that came after", <-receive(k))
		}
		for _, k := range []*Call{b, a} {
			if r := <-receive(k); r.err == nil || r.after != 0 {
				t.Errorf("%+v", r)
			}
		}
		if l.Busy() || len(c.calls) != 0 {
			t.Errorf("%v, %d places", l.Busy(), len(c.calls))
		}
	})
}

// What the subgraph does to one it would have done to all.
func TestAFailedExchangeFailsAll(t *testing.T) {
	for name, c := range map[string]struct {
		sent string
		code codes.Code
	}{
		"closed":    {"", codes.SubgraphClosed},
		"too large": {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", codes.SubgraphAnswer},
		"no HTTP":   {"SSH-2.0-OpenSSH\r\n", codes.SubgraphAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := inMemory(t, Config{MaxAnswer: 1000}, func(_ int, s net.Conn) {
					request(s)
					time.Sleep(time.Second)
					_, _ = io.WriteString(s, c.sent)
				})
				a, b := receive(send(t, client, question(nil))), receive(send(t, client, question(nil)))
				for _, done := range []<-chan received{a, b} {
					var failed *Error
					if r := <-done; !errors.As(r.err, &failed) || failed.Code != c.code {
						t.Errorf("%+v", r)
					}
				}
				if st := client.Stats(); st.Calls != 1 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// The time of the sender may be over before that of those who joined: its operation had little left.
func TestWhoHasTimeLeftAsksAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Config{Timeout: 10 * time.Second}, func(n int, s net.Conn) {
			for request(s) {
				if n == 0 {
					request(s) // there is no answer
					return
				}
				_, _ = io.WriteString(s, ok)
			}
		})
		ask := func(within time.Duration) <-chan received {
			a := question(nil)
			a.Deadline = a.Now.Add(within)
			return receive(send(t, c, a))
		}
		sender, short, long, longer := ask(3*time.Second), ask(3500*time.Millisecond), ask(10*time.Second), ask(10*time.Second)
		for _, done := range []<-chan received{sender, short} {
			if r := <-done; codeOf(r.err) != codes.SubgraphTimeout || r.after != 3*time.Second {
				t.Errorf("%+v", r)
			}
		}
		well(t, "long", <-long)
		well(t, "longer", <-longer)
		if st := c.Stats(); st.Calls > 3 || st.Failed["timeout"] != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// One exchange that hangs holds up those who came at its beginning.
func TestAnExchangeThatHangsIsJoinedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Config{Timeout: time.Minute}, func(n int, s net.Conn) {
			for request(s) {
				if n == 0 {
					request(s) // there is no answer
					return
				}
				time.Sleep(time.Second)
				_, _ = io.WriteString(s, ok)
			}
		})
		first := receive(send(t, c, question(nil)))
		time.Sleep(7 * time.Second)
		second, third := send(t, c, question(nil)), send(t, c, question(nil))
		if second.Joined() || !third.Joined() {
			t.Errorf("%v, %v", second.Joined(), third.Joined())
		}
		well(t, "second", <-receive(second))
		well(t, "third", <-receive(third))
		if r := <-first; r.err == nil {
			t.Errorf("%+v", r)
		}
	})
}

// The one who sends is cancelled while it dials.
func TestACancelledSenderFailsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Config{}, slow)
		dial, first := c.cfg.Dial, true
		c.cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			if first {
				first = false
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return dial(ctx, address)
		}
		ctx, cancel := context.WithCancel(t.Context())
		sender := make(chan error, 1)
		go func() { sender <- new(Call).Send(ctx, c, question(nil)) }()
		synctest.Wait()
		other := send(t, c, question(nil))
		done := receive(other)
		synctest.Wait()
		cancel()
		if err := <-sender; err == nil {
			t.Error("the sender was not cancelled")
		}
		well(t, "the other", <-done)
		if other.Joined() {
			t.Error("the fetch of its own counts as shared")
		}
	})
}

// Many calls of two subgraphs, whose clients come and go: everyone has the answer to its own question, and nothing is left over.
func TestManyShare(t *testing.T) {
	echo := func(_ int, s net.Conn) {
		b := make([]byte, 4<<10)
		for {
			n, err := s.Read(b)
			for err == nil && (n == 0 || b[n-1] != '!') {
				var m int
				m, err = s.Read(b[n:])
				n += m
			}
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%s", b[n-2:n])
		}
	}
	clients := []*Client{inMemory(t, Config{}, echo), inMemory(t, Config{}, echo)}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			var calls [2]Call
			for range 500 {
				var l Leash
				var sent [2]bool
				body := fmt.Sprintf("%d!", rand.IntN(3))
				first := rand.IntN(2)
				for i := range 2 {
					a := question(&l)
					a.Body = []byte(body)
					sent[first^i] = calls[first^i].Send(t.Context(), clients[first^i], a) == nil
				}
				leaves := rand.IntN(4) == 0
				if leaves {
					go l.Leave()
				}
				for i := range 2 {
					if !sent[i] {
						continue
					}
					if _, content, err := calls[i].Receive(); err == nil && string(content) != body || err != nil && !leaves {
						t.Errorf("%q %v, want %q", content, err, body)
					}
				}
			}
		})
	}
	all.Wait()
	for i, c := range clients {
		held := 0
		for l := range c.lanes {
			for _, x := range c.lanes[l].under {
				if x != nil {
					held++
				}
			}
		}
		if st := c.Stats(); len(c.calls) != 0 || held != 0 || st.Shared == 0 {
			t.Errorf("%d: %d places, %d exchanges, %+v", i, len(c.calls), held, st)
		}
	}
}

// Who is woken to read, and has left when it comes to it, lets another one read.
func TestAReaderThatHasLeftIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Config{}, slow)
		sender := send(t, c, question(nil))
		x := sender.x
		x.lane.mu.Lock()
		x.state = sending // as if it were dialing still
		x.lane.mu.Unlock()
		stays := receive(send(t, c, question(nil)))
		synctest.Wait()
		leaver := send(t, c, question(nil))
		goes := receive(leaver)
		synctest.Wait()
		x.lane.mu.Lock()
		x.state = sent
		x.wakeOne()
		leaver.sharer.left = true
		x.members--
		x.lane.mu.Unlock()
		if r := <-goes; r.err == nil || r.after != 0 {
			t.Errorf("%+v", r)
		}
		well(t, "the other", <-stays)
		well(t, "the sender", <-receive(sender))
	})
}

// Two requests of one hash are not the same for that.
func TestAHashAloneIsNotEnough(t *testing.T) {
	ask := func(lines, body string) *Ask {
		return &Ask{Body: []byte(body), Lines: []byte(lines), Own: len(lines), Share: true}
	}
	c := inMemory(t, Config{}, slow)
	x := new(exchange)
	x.prepare(t.Context(), c, ask("a: 1\r\n", "ask!"), nil)
	x.hash, x.own = 7, x.lines+len("a: 1\r\n")
	var l lane
	l.put(x)
	if l.find(7, ask("a: 1\r\n", "ask!"), 0) != x {
		t.Error("the same is not found")
	}
	for _, other := range []*Ask{ask("a: 2\r\n", "ask!"), ask("a: 1\r\n", "ask?"), ask("", "ask!"), ask("a: 1\r\na", "sk!"), ask("a: 1\r\n", "ask!!")} {
		if l.find(7, other, 0) != nil {
			t.Errorf("%q, %q is found", other.Lines, other.Body)
		}
	}
}

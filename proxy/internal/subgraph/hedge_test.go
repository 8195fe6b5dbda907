package subgraph

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
)

// says is an answer with a content.
func says(content string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(content), content)
}

// does is what the subgraph does with the first request of a connection, and how long after it.
type does struct {
	after time.Duration
	sends string // empty: it closes the connection
}

var silent = does{sends: "nothing"}

// hedging is a client that hedges after a tenth of a second. What the connections do is by their number; sent tells which of them could send
// it. The rest of a connection's requests are answered at once.
func hedging(t *testing.T, cfg Config, script ...does) (c *Client, sent []atomic.Bool) {
	t.Helper()
	cfg.Hedging.After, sent = 100*time.Millisecond, make([]atomic.Bool, len(script))
	if cfg.Retries.Budget == 0 {
		cfg.Retries.Budget = 1
	}
	t.Cleanup(func() { time.Sleep(time.Minute) }) // what the subgraph does ends
	return inMemory(t, cfg, func(n int, s net.Conn) {
		if n < len(script) && request(s) {
			d := script[n]
			if d == silent {
				request(s)
				return
			}
			if time.Sleep(d.after); d.sends == "" {
				return
			}
			_, err := io.WriteString(s, d.sends)
			sent[n].Store(err == nil)
		}
		for request(s) {
			_, _ = io.WriteString(s, says("at once"))
		}
	}), sent
}

const ms = time.Millisecond

func TestHedges(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second does
		want          string
		code          codes.Code
		after         time.Duration
		hedges, won   uint64
		kept          int // connections
	}{
		{"not when the answer begins in time", does{50 * ms, says("one")}, silent, "one", codes.None, 50 * ms, 0, 0, 1},
		{"the second is first", silent, does{10 * ms, says("two")}, "two", codes.None, 110 * ms, 1, 1, 1},
		{"the first is first all the same", does{150 * ms, says("one")}, does{time.Second, says("two")}, "one", codes.None, 150 * ms, 1, 0, 1},
		{"the first breaks off", does{120 * ms, ""}, does{200 * ms, says("two")}, "two", codes.None, 300 * ms, 1, 1, 1},
		{"the second breaks off", does{500 * ms, says("one")}, does{20 * ms, ""}, "one", codes.None, 500 * ms, 1, 0, 1},
		{"the first cannot answer", does{120 * ms, busy}, does{200 * ms, says("two")}, "two", codes.None, 300 * ms, 1, 1, 2},
		{"the second cannot answer", does{500 * ms, says("one")}, does{20 * ms, busy}, "one", codes.None, 500 * ms, 1, 0, 2},
		{"neither can", does{120 * ms, busy}, does{200 * ms, busy}, "busy", codes.None, 300 * ms, 1, 0, 2},
		{"both break off", does{200 * ms, ""}, does{20 * ms, ""}, "", codes.SubgraphClosed, 200 * ms, 1, 0, 0},
		{"neither in time", silent, silent, "", codes.SubgraphTimeout, time.Minute, 1, 0, 0},
		{"the answer of the first is cut", does{150 * ms, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none"}, does{100 * ms, says("two")}, "two", codes.None, 200 * ms, 1, 1, 1},
	} {
		for _, share := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, ", shared ", share), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, _ := hedging(t, Config{}, c.first, c.second)
					var l Leash
					a := question(&l)
					a.Share = share
					k := send(t, client, a)
					r := <-receive(k)
					if r.content != c.want || codeOf(r.err) != c.code || r.after != c.after {
						t.Errorf("%+v, want %q %v after %s", r, c.want, c.code, c.after)
					}
					st := client.Stats()
					if st.Hedges != c.hedges || st.Won != c.won || st.Calls != 1+c.hedges || st.UpTo[len(st.UpTo)-1] != 1 || k.Hedged() != (c.hedges > 0) {
						t.Errorf("%+v", st)
					}
					if len(client.calls) != 0 || l.Busy() || len(client.idle) != c.kept {
						t.Errorf("%d places, busy: %v, %d connections kept", len(client.calls), l.Busy(), len(client.idle))
					}
					if st.Won > 0 && k.Head().Status != http.StatusOK {
						t.Error(k.Head().Status)
					}
				})
			})
		}
	}
}

// The answer of the one that lost comes when nobody waits for it: its connection is gone, and nobody else gets it.
func TestTheLosersAnswerIsNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, sent := hedging(t, Config{}, does{200 * ms, says("late")}, does{10 * ms, says("two")})
		var k Call
		for i, want := range []string{"two", "at once", "at once"} {
			if err := k.Send(t.Context(), client, question(nil)); err != nil {
				t.Fatal(err)
			}
			if r := <-receive(&k); r.content != want || r.err != nil {
				t.Errorf("%d: %+v", i, r)
			}
			time.Sleep(150 * ms)
		}
		if sent[0].Load() || !sent[1].Load() {
			t.Error("what was late was sent, or what was not was not")
		}
	})
}

func TestWhatIsNotHedged(t *testing.T) {
	slowly := does{time.Second, says("one")}
	open := breaker.New()
	rules := &breaker.Rules{Window: 10 * time.Second, Requests: 1, Ratio: 0.5, Open: time.Minute}
	ticket, _ := open.Admit(0, rules)
	ticket.Failed(0, rules)
	for _, c := range []struct {
		name, why string
		cfg       Config
		ask       func(*Ask)
		before    func(*Client)
	}{
		{"a mutation", "", Config{}, func(a *Ask) { a.Once = true }, nil},
		{"beyond the budget", "budget", Config{}, nil, func(c *Client) { c.budget.ratio = 0; c.budget.tokens.Store(-fullBudget) }},
		{"without a place", "concurrency", Config{MaxCalls: 1}, nil, nil},
		{"while the breaker is open", "breaker", Config{Breaker: open}, func(a *Ask) { a.Rules = rules }, nil},
		{"with less time than that", "", Config{}, func(a *Ask) { a.Deadline = a.Now.Add(90 * ms) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _ := hedging(t, c.cfg, slowly, slowly)
				if c.before != nil {
					c.before(client)
				}
				a := question(nil)
				if c.ask != nil {
					c.ask(&a)
				}
				r := <-receive(send(t, client, a))
				st := client.Stats()
				if r.content != "one" && a.Deadline.Sub(a.Now) > time.Second || st.Hedges != 0 || c.why != "" && st.Unsent[c.why] != 1 || len(client.calls) != 0 {
					t.Errorf("%+v %+v", r, st)
				}
			})
		})
	}
}

// Hedges are what the budget says of the calls, and what it gives a second where there are few.
func TestHedgesHaveABudget(t *testing.T) {
	for _, c := range []struct {
		name             string
		ratio, perSecond float64
		want             uint64
	}{
		{"one in five", 0.2, 0, 10 + 20},
		{"two a second", 0.0001, 2, 10 + 2*20},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := make([]does, 1000)
				for i := range script {
					script[i] = does{200 * ms, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"}
				}
				client, _ := hedging(t, Config{Retries: Retries{Budget: c.ratio, PerSecond: c.perSecond}}, script...)
				for range 100 { // in 20 s
					well(t, c.name, <-receive(send(t, client, question(nil))))
				}
				if st := client.Stats(); st.Hedges < c.want-3 || st.Hedges > c.want+3 || st.Hedges+st.Unsent["budget"] != 100 {
					t.Errorf("%d hedges, want about %d; %v", st.Hedges, c.want, st.Unsent)
				}
			})
		})
	}
}

// Both fail, and are tried again.
func TestWhatWasHedgedInVainIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := hedging(t, Config{Retries: Retries{Max: 1}}, does{200 * ms, ""}, does{20 * ms, busy})
		if r := <-receive(send(t, client, question(nil))); r.content != "at once" || r.err != nil {
			t.Errorf("%+v", r)
		}
		if st := client.Stats(); st.Hedges != 1 || st.Won != 0 || st.Retries != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestManyShareOneHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := hedging(t, Config{}, silent, does{10 * ms, ok})
		var all []<-chan received
		hedged := 0
		calls := make([]*Call, 20)
		for i := range calls {
			calls[i] = send(t, client, question(nil))
			all = append(all, receive(calls[i]))
		}
		for i, done := range all {
			r := <-done
			well(t, fmt.Sprint(i), r)
			if r.after != 110*ms {
				t.Error(r.after)
			}
			if calls[i].Hedged() && !calls[i].Joined() {
				hedged++
			}
		}
		if st := client.Stats(); st.Hedges != 1 || st.Won != 1 || st.Calls != 2 || st.Shared != 19 || hedged != 1 {
			t.Errorf("%+v, %d", st, hedged)
		}
	})
}

// A client that leaves ends both, whenever it does: before the hedge, while both are under way, and when one of them has failed.
func TestAClientThatLeavesEndsTheHedge(t *testing.T) {
	for _, share := range []bool{false, true} {
		for _, after := range []time.Duration{50 * ms, 110 * ms, 210 * ms} {
			t.Run(fmt.Sprint(after, share), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, _ := hedging(t, Config{}, does{200 * ms, ""}, silent)
					var l Leash
					a := question(&l)
					a.Share = share
					done := receive(send(t, client, a))
					time.Sleep(after)
					l.Leave()
					if r := <-done; r.err == nil || r.after != after {
						t.Errorf("%+v", r)
					}
					st := client.Stats()
					failed := uint64(0)
					for _, n := range st.Failed {
						failed += n
					}
					if failed != 0 || l.Busy() || len(client.calls) != 0 || len(client.idle) != 0 {
						t.Errorf("%+v", st)
					}
				})
			})
		}
	}
}

// The hedge waits for a connection that does not come about; the first answer ends that.
func TestAHedgeThatConnectsIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := hedging(t, Config{}, does{time.Second, ok})
		k := send(t, client, question(nil))
		client.cfg.Dial = func(ctx context.Context, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		r := <-receive(k)
		well(t, "the first", r)
		if r.after != time.Second || client.Stats().Hedges != 1 {
			t.Errorf("%+v %+v", r, client.Stats())
		}
	})
}

func TestAHedgeGoesToAnotherAddress(t *testing.T) {
	for _, c := range []struct{ name, known, want string }{
		{"of two", "10.0.0.1 10.0.0.2", "10.0.0.2:80"},
		{"the only one", "10.0.0.1", "a:80"},
		{"unknown", "", "a:80"},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, _ := hedging(t, Config{}, silent, does{0, ok})
			client.cfg.Resolve = func(context.Context, string) ([]string, error) { return strings.Fields(c.known), nil }
			dial, last := client.cfg.Dial, ""
			client.cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				last = address
				k, err := dial(ctx, address)
				return at{k, "10.0.0.1:80"}, err
			}
			well(t, c.name, <-receive(send(t, client, question(nil))))
			if last != c.want {
				t.Errorf("%s: %s, want %s", c.name, last, c.want)
			}
		})
	}
}

// at is a connection to an address.
type at struct {
	net.Conn
	address string
}

func (a at) RemoteAddr() net.Addr { return place(a.address) }

type place string

func (p place) Network() string { return "tcp" }
func (p place) String() string  { return string(p) }

func TestAConnectionThatRestsElsewhereIsTaken(t *testing.T) {
	c := &Client{address: "a:80", cfg: Config{Idle: time.Minute, Resolve: func(context.Context, string) ([]string, error) { return []string{"1", "2"}, nil }}}
	one, two := &conn{Conn: at{nil, "1:80"}, used: time.Now()}, &conn{Conn: at{nil, "2:80"}, used: time.Now()}
	c.idle = []*conn{two, one}
	if k, reused, err := c.elsewhere(t.Context(), "1"); k != two || !reused || err != nil || len(c.idle) != 1 {
		t.Errorf("%v %v %v", k, reused, err)
	}
}

// By the quantile: nothing is hedged before enough is known, then what is slower than most.
func TestHedgesByQuantile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		client := inMemory(t, Config{Hedging: Hedging{Quantile: 0.9, Min: 5 * ms}, Retries: Retries{Budget: 1}}, func(_ int, s net.Conn) {
			for request(s) {
				if n := requests.Add(1); n == 10 || n == 101 {
					time.Sleep(time.Second)
				} else {
					time.Sleep(20 * ms)
				}
				if _, err := io.WriteString(s, ok); err != nil {
					return
				}
			}
		})
		for i := range 120 {
			r := <-receive(send(t, client, question(nil)))
			well(t, fmt.Sprint(i), r)
			switch {
			case i == 9 && r.after != time.Second:
				t.Errorf("hedged when nothing was known: %s", r.after)
			case i == 100 && (r.after < 40*ms || r.after > 45*ms):
				t.Errorf("the slow one took %s", r.after)
			}
		}
		time.Sleep(time.Second) // the slow one ends
		if st := client.Stats(); st.Hedges != 1 || st.Won != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestBucketsOfTimes(t *testing.T) {
	for d := time.Microsecond; d < 4*time.Minute; d += d/7 + 1 {
		i := bucketOf(d)
		if boundOf(i) <= d || boundOf(i) > d+d/perOctave+time.Microsecond || i > 0 && boundOf(i-1) > d {
			t.Fatalf("%s is in bucket %d, up to %s", d, i, boundOf(i))
		}
	}
	if boundOf(bucketOf(time.Hour)) < 4*time.Minute || bucketOf(-1) != 0 {
		t.Error("the ends")
	}
}

// Whatever is fast, slow or broken: everyone gets an answer to what he asked.
func TestHedgesGiveNobodyTheAnswerOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := hedging(t, Config{})
		client.cfg.Hedging.After = 2 * ms
		client.cfg.Dial = func(context.Context, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go echo(theirs)
			return ours, nil
		}
		var all sync.WaitGroup
		var answered, failed atomic.Uint64
		for w := range 16 {
			all.Go(func() {
				var k Call
				for i := range 200 {
					a := question(nil)
					want := fmt.Sprint(w%8, "-", i) // two of each may share
					a.Body = []byte(want + "!")
					if k.Send(t.Context(), client, a) != nil {
						failed.Add(1)
						continue
					}
					_, content, err := k.Receive()
					if err != nil {
						failed.Add(1)
					} else if answered.Add(1); string(content) != want {
						t.Errorf("%q, want %q", content, want)
					}
				}
			})
		}
		all.Wait()
		st := client.Stats()
		if answered.Load() < 2000 || st.Hedges < 100 || st.Won < 20 || st.Won == st.Hedges || len(client.calls) != 0 {
			t.Errorf("%d answered, %d failed: %+v", answered.Load(), failed.Load(), st)
		}
	})
}

// echo answers with what stands before the exclamation mark, after up to four milliseconds, and breaks off now and then.
func echo(s net.Conn) {
	defer func() { _ = s.Close() }()
	var body strings.Builder
	b := make([]byte, 1)
	for {
		if _, err := s.Read(b); err != nil {
			return
		}
		if body.WriteByte(b[0]); b[0] != '!' {
			continue
		}
		time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
		text := body.String()
		body.Reset()
		if rand.IntN(20) == 0 {
			return
		}
		if _, err := io.WriteString(s, says(strings.TrimSuffix(text[strings.LastIndex(text, "\n")+1:], "!"))); err != nil {
			return
		}
	}
}

// A read that was ended by the time for a hedge goes on over TLS, too.
func TestHedgesOverTLS(t *testing.T) {
	for _, firstWins := range []bool{true, false} {
		t.Run(strconv.FormatBool(firstWins), func(t *testing.T) {
			var requests atomic.Int32
			second := make(chan struct{})
			s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				n := requests.Add(1)
				if n == 2 {
					close(second)
				}
				if (n == 1) == firstWins {
					<-second
					_, _ = fmt.Fprint(w, n)
					return
				}
				<-r.Context().Done()
			}))
			defer s.Close()
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			c, err := New(Config{URL: s.URL, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, Hedging: Hedging{After: 20 * ms}, Retries: Retries{Budget: 1}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			want := "2"
			if firstWins {
				want = "1"
			}
			if got, err := call(t, new(Call), c, false); got != want || err != nil {
				t.Errorf("%q %v", got, err)
			}
		})
	}
}

// The first attempt has ended, and another call has its connection when the hedge wins: that is nothing to it.
func TestAHedgeThatWinsLeavesTheNextCallAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := inMemory(t, Config{Hedging: Hedging{After: 100 * ms}, Retries: Retries{Budget: 1}}, func(n int, s net.Conn) {
			for i := 0; request(s); i++ {
				answer := says("two")
				switch {
				case n == 0 && i == 0:
					time.Sleep(120 * ms)
					answer = busy
				case n == 0:
					time.Sleep(90 * ms) // from 290 ms to 380 ms
					answer = says("next")
				default:
					time.Sleep(200 * ms) // from 100 ms to 300 ms
				}
				if _, err := io.WriteString(s, answer); err != nil {
					return
				}
			}
		})
		first := receive(send(t, client, question(nil)))
		time.Sleep(290 * ms)
		a := question(nil)
		a.Body = []byte("another!")
		next := receive(send(t, client, a))
		if r := <-first; r.content != "two" || r.after != 300*ms {
			t.Errorf("%+v", r)
		}
		if r := <-next; r.content != "next" || r.after != 90*ms {
			t.Errorf("%+v", r)
		}
		if st := client.Stats(); st.Hedges != 1 || st.Won != 1 || st.Failed["timeout"] != 0 {
			t.Errorf("%+v", st)
		}
	})
}

package subgraph

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
)

const busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"

// flaky fails n requests of each kind of failure and then answers; it counts requests.
func flaky(t *testing.T, n int32, fail string, r Retries) (*Client, *atomic.Int32) {
	t.Helper()
	requests := new(atomic.Int32)
	c := scripted(t, func(_ int, s net.Conn) {
		for request(s) {
			if requests.Add(1) > n {
				_, _ = io.WriteString(s, ok)
			} else if fail == "" {
				return
			} else {
				_, _ = io.WriteString(s, fail)
			}
		}
	})
	c.cfg.Retries = r
	c.budget.ratio = r.Budget
	return c, requests
}

func TestQueriesAreRetriedAndMutationsNever(t *testing.T) {
	for _, c := range []struct {
		name     string
		fails    int32
		fail     string
		max      int
		once     bool
		want     string
		requests int32
	}{
		{"off", 1, busy, 0, false, "busy", 1},
		{"after a 503", 1, busy, 1, false, "ok", 2},
		{"after a connection that ended", 2, "", 2, false, "ok", 3},
		{"no more often than allowed", 9, busy, 2, false, "busy", 3},
		{"never a mutation", 1, busy, 2, true, "busy", 1},
		{"not after an answer", 9, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno", 2, false, "no", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, requests := flaky(t, c.fails, c.fail, Retries{Max: c.max, Budget: 0.1})
			got, err := call(t, new(Call), client, c.once)
			if err != nil || got != c.want || requests.Load() != c.requests {
				t.Errorf("%q %v after %d requests, want %q after %d", got, err, requests.Load(), c.want, c.requests)
			}
		})
	}
}

func TestAConnectionThatIsRefusedIsRetried(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c, err := New(Config{URL: "http://" + address, Retries: Retries{Max: 2, Budget: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, new(Call), c, false); codeOf(err) != codes.SubgraphConnect || c.Stats().Retries != 2 || c.Stats().Failed["connect"] != 1 {
		t.Errorf("%v %+v", err, c.Stats())
	}
}

// When everything fails, retries become as few as the budget says.
func TestRetriesHaveABudget(t *testing.T) {
	client, _ := flaky(t, 1<<30, busy, Retries{Max: 1, Budget: 0.1})
	var k Call
	for range 100 {
		_, _ = call(t, &k, client, false)
	}
	if n := client.Stats().Retries; n < 15 || n > 20 { // 10 saved up, and one in ten
		t.Errorf("%d retries of 100 calls", n)
	}
}

func TestBreaker(t *testing.T) {
	client, requests := flaky(t, 4, busy, Retries{})
	client.cfg.Breaker = breaker.New()
	var changes []bool
	client.cfg.Changed = func(open bool) { changes = append(changes, open) }
	rules := &breaker.Rules{Window: 10 * time.Second, Requests: 4, Ratio: 0.5, Open: 20 * time.Millisecond}
	var k Call
	ask := func(refuse bool) (string, error) {
		now := time.Now()
		if err := k.Send(t.Context(), client, Ask{Body: []byte("ask!"), Now: now, Deadline: now.Add(5 * time.Second), Rules: rules, Refuse: refuse}); err != nil {
			return "", err
		}
		_, content, err := k.Receive()
		return string(content), err
	}
	for range 4 {
		_, _ = ask(true)
	}
	if _, err := ask(true); codeOf(err) != codes.SubgraphOpen || requests.Load() != 4 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
	if got, err := ask(false); got != "ok" || err != nil || client.Stats().Breaker != breaker.Open { // observe: it is asked all the same
		t.Errorf("%q %v", got, err)
	}
	for client.cfg.Breaker.Blocks(time.Now().UnixNano()) {
		time.Sleep(time.Millisecond)
	}
	if got, err := ask(true); got != "ok" || err != nil || client.Stats().Breaker != breaker.Closed {
		t.Errorf("the probe: %q %v %s", got, err, client.Stats().Breaker)
	}
	if len(changes) != 2 || !changes[0] || changes[1] || client.Stats().Refused != 1 {
		t.Errorf("%v %+v", changes, client.Stats())
	}
}

package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSecondQueryIsAHitAndTheOriginIsNotAsked(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	first, body := c.ask(bookQuery)
	if isHit(first) || first.Header.Get("Cache-Status") != "weir; fwd=miss" {
		t.Errorf("first: %v", first.Header)
	}
	second, again := c.ask(bookQuery)
	if !isHit(second) || again != body || o.count() != 1 {
		t.Errorf("second: %v %q, origin asked %d times", second.Header, again, o.count())
	}
	if second.Header.Get("X-Origin") != "yes" || second.Header.Get("Content-Type") != "application/json" {
		t.Errorf("a hit repeats the origin's headers: %v", second.Header)
	}
	if other, _ := r.dial().ask(bookQuery); !isHit(other) {
		t.Error("another connection misses")
	}
}

func TestMutationInvalidatesBeforeItsAnswerLeaves(t *testing.T) {
	var title atomic.Int64
	o := startOrigin(t, nil)
	o.handle = func(w http.ResponseWriter, body string) {
		if strings.Contains(body, "setBook") {
			title.Add(1)
		}
		books(func() string { return fmt.Sprint(title.Load()) })(w, body)
	}
	r := newRig(t)
	r.start(o.address)
	reader, writer := r.dial(), r.dial()
	for i := range 200 {
		reader.ask(bookQuery)
		writer.ask(setBook)
		if _, body := reader.ask(bookQuery); !strings.Contains(body, fmt.Sprintf(`"title":"%d"`, i+1)) {
			t.Fatalf("after mutation %d: %s", i+1, body)
		}
	}
}

func TestPipelinedAnswersKeepTheirOrder(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	r.dial().ask(bookQuery)
	c := r.dial()
	get := "GET /plain/%d HTTP/1.1\r\nHost: x\r\n\r\n"
	o.handle = func(w http.ResponseWriter, body string) { _, _ = io.WriteString(w, body) }
	c.send(fmt.Sprintf(get, 1) + post(bookQuery) + fmt.Sprintf(get, 2) + post(bookQuery) + post(bookQuery))
	for i, want := range []string{"/plain/1", "Book", "/plain/2", "Book", "Book"} {
		if _, body := c.receive("GET"); !strings.Contains(body, want) {
			t.Errorf("answer %d: %q, want %s", i, body, want)
		}
	}
}

func TestStaleAnswersWhenTheOriginIsGone(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Cache.MaxTTL = time.Nanosecond // stale at once
	r.start(o.address)
	c := r.dial()
	_, body := c.ask(bookQuery)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	o.server.Close()
	c = r.dial()
	res, again := c.ask(bookQuery)
	if !isHit(res) || again != body || !strings.Contains(res.Header.Get("Cache-Status"), "ttl=-") {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, again)
	}
	res, _ = c.ask(`{ now }`)
	if res.StatusCode != 502 || res.Header.Get("Weir-Error") != "upstream.connect" {
		t.Errorf("without an entry: %d %v", res.StatusCode, res.Header)
	}
}

func TestStaleAnswerTakesThePlaceOfAServerError(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Cache.MaxTTL = time.Nanosecond
	r.start(o.address)
	c := r.dial()
	_, body := c.ask(bookQuery)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	o.handle = func(w http.ResponseWriter, _ string) {
		w.WriteHeader(503)
		_, _ = io.WriteString(w, strings.Repeat("down", 10000))
	}
	for range 3 {
		if res, again := c.ask(bookQuery); !isHit(res) || again != body {
			t.Errorf("%d %q", res.StatusCode, again)
		}
	}
	if res, _ := c.ask(`{ now }`); res.StatusCode != 503 || res.Header.Get("Weir-Error") != "" {
		t.Errorf("the origin's own error is relayed: %d", res.StatusCode)
	}
}

func TestIdleUpstreamMayCloseUnnoticedByAClientThatIsServedHere(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	c.ask(bookQuery)
	c.ask(bookQuery) // a hit: the client needs no upstream
	closed := make(chan struct{})
	go func() { defer close(closed); _ = o.server.Shutdown(context.Background()) }()
	<-closed
	if res, _ := c.ask(bookQuery); !isHit(res) {
		t.Error("the connection ended with the upstream's")
	}
}

func TestUpstreamEndIsPassedOnOtherwise(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, "x") })
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	c.receive("GET")
	_ = o.server.Shutdown(context.Background())
	if !c.ended() {
		t.Error("the client does not see the end of an idle connection")
	}
}

func TestWhatIsNoRequestIsAnsweredWithAStableCode(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, _ string) {})
	r := newRig(t)
	r.policy.Deadlines.Head = 100 * time.Millisecond
	r.start(o.address)
	for _, c := range []struct {
		name, send string
		status     int
		code       string
	}{
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "http.bad_framing"},
		{"huge head", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 431, "http.head_too_large"},
		{"slow head", "GET / HTTP/1.1\r\nHo", 408, "http.head_timeout"},
	} {
		k := r.dial()
		k.send(c.send)
		res, body := k.receive("GET")
		if res.StatusCode != c.status || res.Header.Get("Weir-Error") != c.code || !res.Close || body == "" {
			t.Errorf("%s: %d %v %q", c.name, res.StatusCode, res.Header, body)
		}
		if !k.ended() {
			t.Errorf("%s: the connection lives on", c.name)
		}
	}
	if o.count() != 0 {
		t.Errorf("the origin saw %q", o.seen)
	}
}

func TestConnectionLimitAnswers503(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, _ string) {})
	r := newRig(t)
	r.config.MaxConnections = 1
	r.start(o.address)
	first := r.dial()
	first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	first.receive("GET")
	res, _ := r.dial().receive("GET")
	if res.StatusCode != 503 || res.Header.Get("Weir-Error") != "connections.too_many" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestDrainFinishesWhatHasBegunAndClosesIdleConnections(t *testing.T) {
	release := make(chan struct{})
	o := startOrigin(t, func(w http.ResponseWriter, _ string) { <-release; _, _ = io.WriteString(w, "done") })
	r := newRig(t)
	r.start(o.address)
	idle, busy := r.dial(), r.dial()
	idle.send("GET /x HTTP/1.1\r\n") // a begun head is no idle connection; this one is never finished
	busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	waitFor(t, func() bool { return o.count() == 1 })
	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		drained <- r.server.Drain(ctx)
	}()
	waitFor(t, func() bool {
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	close(release)
	if _, body := busy.receive("GET"); body != "done" || !busy.ended() {
		t.Errorf("the request that had begun: %q", body)
	}
	idle.c.Close()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// waitFor returns when the condition holds.
func waitFor(t testing.TB, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the condition did not come true")
		}
	}
}

func TestConcurrentQueriesAskTheOriginOnce(t *testing.T) {
	release := make(chan struct{})
	inner := books(func() string { return "a" })
	o := startOrigin(t, func(w http.ResponseWriter, body string) { <-release; inner(w, body) })
	r := newRig(t)
	r.start(o.address)
	const n = 20
	answers := make(chan string, n)
	for range n {
		c := r.dial()
		c.send(post(bookQuery))
		go func() {
			res, err := http.ReadResponse(c.r, &http.Request{Method: "POST"})
			if err != nil {
				answers <- err.Error()
				return
			}
			body, _ := io.ReadAll(res.Body)
			answers <- string(body)
		}()
	}
	waitFor(t, func() bool { return o.count() == 1 && r.server.Stats().Requests == n })
	close(release)
	for range n {
		if a := <-answers; !strings.Contains(a, `"title":"a"`) {
			t.Error(a)
		}
	}
	if o.count() != 1 {
		t.Errorf("the origin was asked %d times", o.count())
	}
}

func TestClientThatLeavesDoesNotEndTheFill(t *testing.T) {
	release := make(chan struct{})
	inner := books(func() string { return "a" })
	o := startOrigin(t, func(w http.ResponseWriter, body string) { <-release; inner(w, body) })
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	c.send(post(bookQuery))
	waitFor(t, func() bool { return o.count() == 1 })
	c.c.Close()
	close(release)
	other := r.dial()
	waitFor(t, func() bool { res, _ := other.ask(bookQuery); return isHit(res) })
	if o.count() != 1 {
		t.Errorf("the origin was asked %d times", o.count())
	}
}

func TestRefreshInTheBackgroundWhileTheStaleAnswerIsServed(t *testing.T) {
	var version atomic.Int64
	o := startOrigin(t, books(func() string { return fmt.Sprint(version.Load()) }))
	r := newRig(t)
	r.policy.Cache.MaxTTL = 50 * time.Millisecond
	r.policy.Cache.StaleWhileRevalidate = time.Hour
	r.start(o.address)
	c := r.dial()
	c.ask(bookQuery)
	version.Store(1)
	waitFor(t, func() bool {
		res, body := c.ask(bookQuery)
		if !isHit(res) {
			t.Fatalf("a query waited for the origin: %v", res.Header)
		}
		return strings.Contains(body, `"title":"1"`)
	})
}

func TestBatchIsAnsweredInOrderFromEntries(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[{"data":{"book":{"__typename":"Book","id":"1","title":"a"}}},{"data":{"books":[]}}]`)
	})
	r := newRig(t)
	r.start(o.address)
	body := `[{"query":` + quote(bookQuery) + `},{"query":"{ books { __typename id } }"}]`
	message := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	c := r.dial()
	c.send(message)
	_, first := c.receive("POST")
	waitFor(t, func() bool { return r.store.Stats().Stored == 2 })
	c.send(message)
	res, second := c.receive("POST")
	if !isHit(res) || second != first || o.count() != 1 {
		t.Errorf("%v %s, origin asked %d times", res.Header, second, o.count())
	}
	if res, _ := c.ask(bookQuery); !isHit(res) {
		t.Error("an item of a batch does not answer a single request")
	}
}

func TestCredentialsWithoutAScopeRuleBypassTheCache(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	for range 2 {
		if res, _ := c.ask(bookQuery, "Authorization: Bearer x"); res.Header.Get("Cache-Status") != "weir; fwd=bypass; detail=scope" {
			t.Errorf("%v", res.Header)
		}
	}
	if o.count() != 2 {
		t.Errorf("the origin was asked %d times", o.count())
	}
}

func TestBodyOverTheLimitIsRelayedUnread(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, body string) { fmt.Fprint(w, len(body)) })
	r := newRig(t)
	r.policy.MaxBody = 100
	r.start(o.address)
	c := r.dial()
	long := `{ now } #` + strings.Repeat("x", 100_000)
	c.send(post(long))
	if _, body := c.receive("POST"); body != fmt.Sprint(len(long)+len(`{"query":""}`)) {
		t.Errorf("the origin saw %s bytes", body)
	}
	if n := r.line.Stats().Uninspected["body"]; n != 1 {
		t.Errorf("counted %d", n)
	}
}

func TestUploadAnsweredEarlyReachesTheClient(t *testing.T) {
	address := startRaw(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		_, _ = io.Copy(io.Discard, c)
	})
	r := newRig(t)
	r.start(address)
	c := r.dial()
	c.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nstart")
	if res, body := c.receive("POST"); res.StatusCode != 413 || body != "no" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	c.c.Close()
}

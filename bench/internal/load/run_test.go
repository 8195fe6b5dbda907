package load

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/result"
)

func target(t *testing.T, url string) Target {
	t.Helper()
	v, err := ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func runner(t *testing.T, cfg Config) *Runner {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(t *testing.T, r *Runner) result.Run {
	t.Helper()
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.Result()
}

// stalling answers at once, but one request waits.
func stalling(stall time.Duration) *httptest.Server {
	var n atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 20 {
			pause := time.NewTimer(stall)
			defer pause.Stop()
			select {
			case <-pause.C:
			case <-r.Context().Done():
			}
		}
		w.Header().Set("Cache-Status", "weir; hit; ttl=5")
		if _, err := io.WriteString(w, `{"data":{}}`); err != nil {
			return
		}
	}))
}

// slow is how many requests took more than 300 ms, of 150 over one connection.
func slow(t *testing.T, arrivals arrival.Plan) (due, sent int64) {
	t.Helper()
	s := stalling(600 * time.Millisecond)
	defer s.Close()
	got := run(t, runner(t, Config{Targets: []Target{target(t, s.URL)}, Source: fixed{}, Connections: 1, Requests: 150, Arrivals: arrivals}))
	if got.Total.Errors != 0 || got.Total.Hits != 150 {
		t.Fatalf("%+v", got.Total)
	}
	return above(got.Total.Latency, 300_000), above(got.Total.Service, 300_000)
}

// above counts the values beyond a limit in µs.
func above(h result.Histogram, limit int64) int64 {
	n := h.Count()
	for i := range n {
		if h.At(100*float64(i+1)/float64(n)) > limit {
			return n - i
		}
	}
	return 0
}

// TestOpenLoopCountsTheQueue is the coordinated-omission test: with one connection a stall of 600 ms delays the 60 requests that were due meanwhile, and an
// open loop must show them all; a closed loop sees one, and so does the service time of the open loop.
func TestOpenLoopCountsTheQueue(t *testing.T) {
	plan := arrival.Constant(100)
	due, sent := slow(t, plan)
	if due < 25 || due > 60 {
		t.Errorf("open loop saw %d slow requests, about 31 were due", due)
	}
	if sent < 1 || sent > 5 { // 1, and what a busy machine adds
		t.Errorf("%d requests were served slowly, want 1", sent)
	}
	if n, _ := slow(t, nil); n < 1 || n > 5 {
		t.Errorf("closed loop saw %d slow requests, want 1", n)
	}
}

// TestWhatWasDueIsCounted ends a run while the server stalls: what was due before the end counts, answered later or not sent at all.
func TestWhatWasDueIsCounted(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	plan := arrival.Constant(100)
	got := run(t, runner(t, Config{
		Targets: []Target{target(t, s.URL)}, Source: fixed{}, Connections: 2, Duration: 300 * time.Millisecond, Timeout: 200 * time.Millisecond, Arrivals: plan,
	}))
	if n := got.Total.Requests; n < 29 || n > 31 {
		t.Errorf("%d requests counted, 30 were due", n)
	}
	if f := got.Total.Failures; f[FailTimeout] < 2 || f[FailUnsent] < 10 || f[FailTimeout]+f[FailUnsent] != got.Total.Requests {
		t.Errorf("failures %v", f)
	}
	if got.Generator.Waited < 2 {
		t.Errorf("%d requests found no connection", got.Generator.Waited)
	}
}

// TestAnOverloadedTargetShowsItsOwnRate asks for four times what the target can do: what is answered late was not done in the planned time.
func TestAnOverloadedTargetShowsItsOwnRate(t *testing.T) {
	to := raw(t, func(c net.Conn, _ int) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for in := bufio.NewReader(c); request(c, in); {
			<-tick.C
			_, _ = io.WriteString(c, good)
		}
	})
	got := run(t, runner(t, Config{Targets: []Target{to}, Source: fixed{}, Connections: 1, Duration: 500 * time.Millisecond, Arrivals: arrival.Constant(400)}))
	if got.Total.Requests != 200 || got.Total.Errors != 0 || got.Total.Rate > 110 {
		t.Errorf("%d requests at %.0f/s of at most 100, %d errors", got.Total.Requests, got.Total.Rate, got.Total.Errors)
	}
}

func TestContextEndsARequestUnderWay(t *testing.T) {
	entered := make(chan struct{}, 8)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		entered <- struct{}{}
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r := runner(t, Config{Targets: []Target{target(t, s.URL)}, Source: fixed{}, Connections: 2, Timeout: time.Minute})
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-entered
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the run goes on after its context ended")
	}
	if got := r.Result(); got.Total.Errors != 0 {
		t.Errorf("the end of the run was counted as a failure: %+v", got)
	}
}

func TestFailuresAreCountedByKind(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
	}{
		FailStatus: {503, "no"},
		FailErrors: {200, `{"errors":[{"message":"no"}],"data":null}`},
	}
	for want, a := range answers {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(a.status)
			if _, err := io.WriteString(w, a.body); err != nil {
				return
			}
		}))
		got := run(t, runner(t, Config{Targets: []Target{target(t, s.URL)}, Source: fixed{}, Connections: 1, Requests: 5}))
		if got.Total.Errors != 5 || got.Total.Failures[want] != 5 {
			t.Errorf("%s: %+v", want, got.Total)
		}
		s.Close()
	}
}

// raw answers each connection with a function.
func raw(t *testing.T, serve func(c net.Conn, n int)) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				serve(c, n)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // the goroutines above end with it
		all.Wait()
	})
	return target(t, "http://"+l.Addr().String())
}

// request reads one request.
func request(c net.Conn, in *bufio.Reader) bool {
	r, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil
}

const good = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"data\":{}}"

func TestAConnectionClosedWhileIdleIsOpenedAgain(t *testing.T) {
	to := raw(t, func(c net.Conn, _ int) { // each connection serves one request and says nothing of its end
		if request(c, bufio.NewReader(c)) {
			_, _ = io.WriteString(c, good)
		}
	})
	got := run(t, runner(t, Config{Targets: []Target{to}, Source: fixed{}, Connections: 3, Requests: 50}))
	if got.Total.Requests != 50 || got.Total.Errors != 0 {
		t.Errorf("%+v", got.Total)
	}
}

func TestBrokenAnswers(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"SSH-2.0-x\r\n\r\n", FailHTTP},
		{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", FailIO},
		{"HTTP/1.1 200", FailIO},
		{"", FailIO},
	} {
		to := raw(t, func(conn net.Conn, _ int) {
			if request(conn, bufio.NewReader(conn)) {
				_, _ = io.WriteString(conn, c.answer)
			}
		})
		got := run(t, runner(t, Config{Targets: []Target{to}, Source: fixed{}, Connections: 1, Requests: 3}))
		if got.Total.Failures[c.want] != 3 {
			t.Errorf("%q: %v", c.answer, got.Total.Failures)
		}
	}
}

func TestATargetThatIsDownIsSaidAtOnce(t *testing.T) {
	r := runner(t, Config{Targets: []Target{target(t, "http://127.0.0.1:1")}, Source: fixed{}, Duration: time.Hour})
	err := r.Run(t.Context())
	var down *UnreachableError
	if !errors.As(err, &down) || !strings.Contains(err.Error(), "127.0.0.1:1 accepts no connection") {
		t.Errorf("%v", err)
	}
}

func TestATargetThatDiesEndsTheRun(t *testing.T) {
	var answered atomic.Int64
	hold := make(chan struct{})
	defer close(hold)
	to := raw(t, func(c net.Conn, _ int) {
		for in := bufio.NewReader(c); request(c, in); {
			if answered.Add(1) > 100 {
				<-hold
				return
			}
			_, _ = io.WriteString(c, good)
		}
	})
	r := runner(t, Config{Targets: []Target{to}, Source: fixed{}, Connections: 2, Duration: time.Hour, GiveUp: time.Second})
	done := make(chan error, 1)
	go func() { done <- r.Run(t.Context()) }()
	select {
	case err := <-done:
		if !errors.Is(err, ErrTargetDied) {
			t.Errorf("%v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the run goes on though nothing answers")
	}
	if got := r.Result(); got.Total.Requests-got.Total.Errors != 100 {
		t.Errorf("%+v", got.Total)
	}
}

func TestExcusedFailures(t *testing.T) {
	to := raw(t, func(c net.Conn, _ int) { request(c, bufio.NewReader(c)) })
	r := runner(t, Config{Targets: []Target{to}, Source: fixed{}, Connections: 1, Requests: 2})
	r.Excuse(true)
	if got := run(t, r); got.Total.Errors != 0 || got.Total.Excused != 2 {
		t.Errorf("%+v", got.Total)
	}
}

// TestNothingIsAllocatedPerRequest compares two runs of different length: what the longer one allocates more is what requests cost.
func TestNothingIsAllocatedPerRequest(t *testing.T) {
	to := raw(t, func(c net.Conn, _ int) {
		answer := []byte(good)
		b := make([]byte, 64<<10)
		for {
			if _, err := c.Read(b); err != nil { // one request is under way at a time and fits one read
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
	mallocs := func(requests int64) uint64 {
		r := runner(t, Config{Targets: []Target{to}, Source: fixed{}, Connections: 8, Requests: requests})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if got := run(t, r); got.Total.Errors != 0 {
			t.Fatalf("%+v", got.Total)
		}
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	mallocs(100)
	few, many := mallocs(1000), mallocs(21_000)
	if per := float64(many-min(many, few)) / 20_000; per > 0.01 {
		t.Errorf("%.3f allocations per request", per)
	}
}

// fixed sends the same request for ever.
type fixed struct{}

func (fixed) Labels() []Label           { return []Label{{"Fixed", KindQuery}} }
func (fixed) Stream(uint64, int) Stream { return fixed{} }
func (fixed) Next(dst []byte, t *Target, _ int) ([]byte, int) {
	dst = append(append(dst, "POST /graphql HTTP/1.1\r\nHost: "...), t.Host...)
	return append(dst, "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"...), 0
}
func (fixed) Judge(a *Reply, _ int) (string, bool)      { return verdict(a.Status, a.Body), false }
func (fixed) Again(dst []byte, _ *Target, _ int) []byte { return dst }

func TestCacheStatus(t *testing.T) {
	for v, want := range map[string]Cache{
		`weir; hit; ttl=1; detail="hold-off, of 60 s"`:  {Said: true, Hit: true},
		`weir; hit; ttl=1; detail="a \" ; hit, b"; age`: {Said: true, Hit: true},
		`edge; hit, weir; fwd=miss; key="a, b; hit"`:    {Said: true},
		`weir; hit; ttl=0; detail=invalidated`:          {Said: true, Hit: true, Stale: true},
		"":                                              {},
		"weir; hit; ttl=57":                             {Said: true, Hit: true},
		"weir; hit; ttl=-4":                             {Said: true, Hit: true, Stale: true},
		"weir; fwd=uri-miss":                            {Said: true},
		"weir; fwd=stale; ttl=-1":                       {Said: true},
		"weir; fwd=bypass; detail=not-logged":           {Said: true, Unlogged: true},
		"far; hit, weir; fwd=uri-miss":                  {Said: true},
		"far; fwd=miss, weir;hit;ttl=1":                 {Said: true, Hit: true},
	} {
		if got := (&Answer{CacheStatus: v}).Cache(); got != want {
			t.Errorf("%q: %+v, want %+v", v, got, want)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for raw, want := range map[string]Target{
		"http://a:81":      {"tcp", "a:81", "a:81", "/graphql"},
		"http://a/api?x=1": {"tcp", "a:80", "a", "/api?x=1"},
		"unix:/run/w.sock": {"unix", "/run/w.sock", "localhost", "/graphql"},
	} {
		if got, err := ParseTarget(raw); err != nil || got != want {
			t.Errorf("%q: %+v %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "a:81", "https://a", "unix:"} {
		if _, err := ParseTarget(raw); err == nil {
			t.Errorf("%q was accepted", raw)
		}
	}
}

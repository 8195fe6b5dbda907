package growth

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/hitratio"
	"github.com/weirproxy/weir/bench/internal/keytrace"
	"github.com/weirproxy/weir/bench/internal/load"
	geonames "github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/workload"
	"github.com/weirproxy/weir/cache"
)

// hitsGate is by how many points plain LRU may hit more than Weir. Weir's bookkeeping takes its part of the memory, LRU's is not counted.
const hitsGate = 3.0

// hitsTable plays traces against the store that serves, plain LRU and what a cache that knew the future could have hit.
func hitsTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "growth-hits", Title: "Hit ratio against an optimum",
		Text: "The store of a sidecar, as it is configured by default but for its memory, plays traces of keys; beside it plain LRU, a clairvoyant cache that lets go of what is needed last, and a bound " +
			"that no cache can go beyond. Zipf: 50,000 keys of 1,000 bytes; polluted: half of the requests are for keys that come once; demo: the requests that `weir-bench demo` makes in 100 s, as its " +
			"origin answers them. `weir-bench cache --trace FILE` plays a trace of your own.",
		Columns: []result.Column{
			{Name: "memory", Unit: "MiB"},
			{Name: "requests"},
			{Name: "keys"},
			{Name: "Weir", Unit: "%"},
			{Name: "LRU", Unit: "%"},
			{Name: "clairvoyant", Unit: "%"},
			{Name: "bound", Unit: "%"},
			{Name: "Weir of clairvoyant", Unit: "%"},
		},
	}
	requests := 200_000
	if cfg.Quick || cfg.tiny {
		requests = 50_000
	}
	random := func(more string) func(context.Context) (*keytrace.Trace, error) {
		return func(context.Context) (*keytrace.Trace, error) {
			return keytrace.Open(fmt.Sprintf("zipf:%s,keys=50000,bytes=1000,rate=5000,requests=%d", more, requests), 0)
		}
	}
	for _, trace := range []struct {
		name   string
		open   func(context.Context) (*keytrace.Trace, error)
		memory []int64
	}{
		{"Zipf 0.8", random("0.8"), []int64{4 << 20, 16 << 20}},
		{"Zipf 1.1", random("1.1"), []int64{4 << 20, 16 << 20}},
		{"Zipf 0.8, polluted", random("0.8,scan=0.5"), []int64{4 << 20, 16 << 20}},
		{"demo", func(ctx context.Context) (*keytrace.Trace, error) { return demoTrace(ctx, requests/5) }, []int64{2 << 20, 4 << 20}},
	} {
		played, err := trace.open(ctx)
		if err != nil {
			return t, fmt.Errorf("%s: %w", trace.name, err)
		}
		tables, err := hitratio.Tables(ctx, played, hitratio.Config{Memory: trace.memory, TTL: []time.Duration{0}, Untold: time.Hour, Jitter: 0.1})
		if err != nil {
			return t, fmt.Errorf("%s: %w", trace.name, err)
		}
		for _, row := range tables[0].Rows {
			weir, lru, best := row[hitratio.ColumnWeir], row[hitratio.ColumnLRU], row[hitratio.ColumnClairvoyant]
			t.Labels = append(t.Labels, fmt.Sprintf("%s, %g MiB", trace.name, row[hitratio.ColumnMemory]))
			t.Rows = append(t.Rows, []float64{row[hitratio.ColumnMemory], float64(len(played.Uses)), float64(played.Keys), weir, lru, best, row[hitratio.ColumnBound], 100 * weir / max(best, 1e-9)})
			t.Gates = append(t.Gates, atMost("hits", "what LRU hits beyond Weir, "+t.Labels[len(t.Labels)-1], "points", single(lru-weir), hitsGate, 0, "Weir's bookkeeping is within its memory, LRU's is not"))
			fmt.Fprintf(cfg.Out, "  %s: Weir %.1f %%, LRU %.1f %%, clairvoyant %.1f %%\n", t.Labels[len(t.Labels)-1], weir, lru, best)
		}
	}
	return t, nil
}

// recorder is an answer that is looked at here.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) WriteHeader(status int)      { r.status = status }

// demoRate is that of the demo.
const demoRate = 400

var maxAge = regexp.MustCompile(`max-age=(\d+)`)

// demoTrace makes the requests of the demo and asks its origin once for each that differs. What is not to be cached is left out.
func demoTrace(ctx context.Context, requests int) (*keytrace.Trace, error) {
	geo, err := workload.GeoNames(workload.GeoOptions{Entities: 2000, Mutations: 0.01})
	if err != nil {
		return nil, err
	}
	server, err := geonames.New("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	target := load.Target{Network: "tcp", Address: "127.0.0.1:1", Host: "geo", Path: "/graphql"}
	stream := geo.Stream(1, 0)
	t := &keytrace.Trace{Name: "demo"}
	known := map[string]*cache.Use{} // nil: not cached
	var raw []byte
	for i := range requests {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		raw, _ = stream.Next(raw[:0], &target, 0)
		use, seen := known[string(raw)]
		if !seen {
			if use, err = answerOf(ctx, server.Handler(), raw); err != nil {
				return nil, err
			}
			if use != nil {
				use.Key = uint64(t.Keys)
				t.Keys++
			}
			known[string(raw)] = use
		}
		if use != nil {
			u := *use
			u.At = int64(i) * int64(time.Second/demoRate)
			t.Uses = append(t.Uses, u)
		}
	}
	return t, nil
}

// answerOf asks for what a request as bytes asks for; nil when the answer is not for a cache.
func answerOf(ctx context.Context, h http.Handler, raw []byte) (*cache.Use, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte("mutation")) {
		return nil, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, r.WithContext(ctx))
	if w.status != http.StatusOK || strings.Contains(w.body.String(), `"errors"`) {
		return nil, fmt.Errorf("the origin answers %d %.200s", w.status, w.body.String())
	}
	age := maxAge.FindStringSubmatch(w.header.Get("Cache-Control"))
	if age == nil {
		return nil, nil
	}
	seconds, err := strconv.Atoi(age[1])
	if err != nil || seconds == 0 {
		return nil, err
	}
	return &cache.Use{TTL: time.Duration(seconds) * time.Second, Bytes: int64(w.body.Len())}, nil
}

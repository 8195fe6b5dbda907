package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

func supergraphFile(t *testing.T, text string) (*Static, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, src, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, _, err := Compile(f, src, func(name string) (string, bool) { return "s3cret", name == "KEY" })
	return s, err
}

func TestSupergraph(t *testing.T) {
	s, err := supergraphFile(t, `supergraph:
  file: s.graphql
  timeout: 3s
  headers: { propagate: "Authorization, x-*", insert: { x-from: weir } }
  retries: { max: 2, per_second: 3 }
  hedging: { after: p95, min: 5ms }
  cache: { private: true }
  subgraphs:
    stock: { dedup: false, hedging: { after: 80ms } }
    reviews: { hedging: { after: off }, cache: { private: false } }
    products: { url: "http://127.0.0.1:1/graphql", timeout: 1s, concurrency: 7, headers: { insert: { X-Key: "${KEY}" }, remove: [authorization] } }
`)
	if err != nil {
		t.Fatal(err)
	}
	f := &s.Fetching
	p := f.Each["products"]
	if f.Total != 30*time.Second || f.All.Client.Timeout != 3*time.Second || f.All.Client.MaxCalls != 256 || f.All.Client.Retries.Max != 2 ||
		strings.Join(f.Headers.Propagate, " ") != "authorization x-*" {
		t.Errorf("%+v", f)
	}
	if p.URL != "http://127.0.0.1:1/graphql" || p.Client.Timeout != time.Second || p.Client.MaxCalls != 7 || p.Client.Retries.Max != 2 ||
		len(p.Headers.Insert) != 1 || p.Headers.Insert[0] != (forward.Line{Name: "x-key", Value: "s3cret"}) {
		t.Errorf("%+v", p)
	}
	if !f.All.Client.Share || !p.Client.Share || f.Each["stock"].Client.Share {
		t.Errorf("%+v", f)
	}
	if !f.All.Cache.Private || !p.Cache.Private || f.Each["reviews"].Cache.Private {
		t.Errorf("%+v", f)
	}
	for _, h := range []struct{ got, want subgraph.Hedging }{
		{f.All.Client.Hedging, subgraph.Hedging{Quantile: 0.95, Min: 5 * time.Millisecond}},
		{p.Client.Hedging, subgraph.Hedging{Quantile: 0.95, Min: 5 * time.Millisecond}},
		{f.Each["stock"].Client.Hedging, subgraph.Hedging{After: 80 * time.Millisecond, Min: 5 * time.Millisecond}},
		{f.Each["reviews"].Client.Hedging, subgraph.Hedging{Min: 5 * time.Millisecond}},
	} {
		if h.got != h.want {
			t.Errorf("%+v, want %+v", h.got, h.want)
		}
	}
	if r := p.Client.Retries; r.PerSecond != 3 || r.Budget != 0.1 {
		t.Errorf("%+v", r)
	}
	shown := string(Redacted(s.File))
	if strings.Contains(shown, "s3cret") || strings.Contains(shown, "x-from: weir") || !strings.Contains(shown, "x-from: "+hidden) {
		t.Errorf("what is put in is shown:\n%s", shown)
	}
	if s.File.Supergraph.Headers.Insert["x-from"] != "weir" {
		t.Error("hiding has changed the file")
	}
}

func TestWhatIsWrongWithASupergraphIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"timeout: 3":                                                                   `supergraph.timeout: "3" is no duration`,
		"total_timeout: 0s":                                                            "supergraph.total_timeout: 0s is out of range",
		"concurrency: 0":                                                               "supergraph.concurrency: 0 is out of range",
		"trace: yes-please":                                                            `supergraph.trace: "yes-please" is not one of`,
		"retries: { budget: 2.0 }":                                                     "supergraph.retries.budget: 2 is out of range",
		"retries: { per_second: -1 }":                                                  "supergraph.retries.per_second: -1 is out of range",
		"hedging: { after: p100 }":                                                     `supergraph.hedging.after: "p100" is no percentile from p50 to p99.9`,
		"hedging: { after: pNaN }":                                                     `supergraph.hedging.after: "pNaN" is no percentile`,
		"hedging: { after: soon }":                                                     `supergraph.hedging.after: "soon" is no duration`,
		"hedging: { after: 0s }":                                                       "supergraph.hedging.after: 0s is out of range",
		"hedging: { min: 2h }":                                                         "supergraph.hedging.min: 2h is out of range",
		"subgraphs: { a: { hedging: { after: p5 } } }":                                 `supergraph.subgraphs.a.hedging.after: "p5" is no percentile`,
		"headers: { propagate: [connection] }":                                         "supergraph.headers.propagate[0]: connection is the sidecar's own to write",
		"headers: { remove: [traceparent] }":                                           "supergraph.headers.remove[0]: traceparent goes by supergraph.trace",
		"headers: { propagate: ['x y'] }":                                              `"x y" is no header name`,
		"headers: { insert: { x-a: '${NONE}' } }":                                      "supergraph.headers.insert.x-a: the environment has no ${NONE}",
		"subgraphs: { a: { url: 'tcp://127.0.0.1:1' } }":                               `supergraph.subgraphs.a.url: "tcp://127.0.0.1:1" is no address of a subgraph`,
		"subscriptions: { max: 0 }":                                                    "supergraph.subscriptions.max: 0 is out of range",
		"subscriptions: { keep_alive: soon }":                                          "supergraph.subscriptions.keep_alive: ",
		"subgraphs: { a: { subscriptions: { protocol: h3 } } }":                        `supergraph.subgraphs.a.subscriptions.protocol: "h3" is not one of ws, sse`,
		"subgraphs: { a: { subscriptions: { url: 'tcp://a' } } }":                      `supergraph.subgraphs.a.subscriptions.url: "tcp://a" is no address of subscriptions; write ws://`,
		"subgraphs: { a: { subscriptions: { protocol: sse, url: 'ws://a' } } }":        `"ws://a" is no address of subscriptions; write http://`,
		"subgraphs: { a: { subscriptions: { path: ws } } }":                            `supergraph.subgraphs.a.subscriptions.path: "ws" is no path; write /PATH`,
		"subgraphs: { a: { subscriptions: { url: 'ws://a/b', path: /ws } } }":          "supergraph.subgraphs.a.subscriptions.path: url has a path already",
		"subgraphs: { a: { subscriptions: { protocol: sse, keep_alive: 1s } } }":       "supergraph.subgraphs.a.subscriptions.keep_alive: an event stream has no pings",
		"subgraphs: { a: { subscriptions: { init_payload: all } } }":                   `supergraph.subgraphs.a.subscriptions.init_payload: "all" is not one of none, client`,
		"subgraphs: { a: { subscriptions: { protocol: sse, init_payload: client } } }": "supergraph.subgraphs.a.subscriptions.init_payload: an event stream has no connection_init; pass headers on by headers.propagate",
		"websocket: { defer: on }":                                                     `supergraph.websocket.defer: "on" is not one of off, deferSpec=20220824, incrementalSpec=v0.2`,
		"subgraphs: { a: { timeot: 1s } }":                                             "did you mean timeout?",
		"budget: { mode: maybe }":                                                      `supergraph.budget.mode: "maybe" is no mode`,
		"budget: { operation: -1 }":                                                    "supergraph.budget.operation: -1 is out of range",
		"subgraphs: { a: { budget: -1 }}":                                              "supergraph.subgraphs.a.budget: -1 is out of range",
		"subgraphs: { a: { slo: { availability: 99.9 }}}":                              "supergraph.subgraphs.a.slo.availability: 99.9 is out of range",
		"subgraphs: { a: { slo: { latency_ratio: 0.9 }}}":                              "supergraph.subgraphs.a.slo.latency_ratio: it says how many fetches take up to slo.latency",
		"subgraphs: { a: { slo: { latency: fast }}}":                                   `supergraph.subgraphs.a.slo.latency: "fast" is no duration`,
		`subgraphs: { a: { owner: "a\nb" }}`:                                           "supergraph.subgraphs.a.owner: it becomes a label of metrics",
		"headers: { claims: { x-a: { claim: a..b }}}":                                  "supergraph.headers.claims.x-a.claim:",
		"headers: { claims: { x-a: { default: b }}}":                                   "supergraph.headers.claims.x-a: claim is missing",
		"headers: { claims: { host: { claim: sub }}}":                                  "supergraph.headers.claims.host: host is the sidecar's own",
		`headers: { claims: { x-a: { claim: sub, default: "a\nb" }}}`:                  "supergraph.headers.claims.x-a: the value has line ends",
		"headers: { insert: { X-A: a }, claims: { x-a: { claim: sub }}}":               "supergraph.headers.claims.x-a: x-a is put in already",
		"headers: { claims: { X-A: { claim: sub }, x-a: { claim: b }}}":                "supergraph.headers.claims.x-a: x-a is put in already",
		"subgraphs: { a: { headers: { insert: { te: x}}}}":                             "supergraph.subgraphs.a.headers.insert.te: te is the sidecar's own",
	} {
		_, err := supergraphFile(t, "supergraph:\n  file: s.graphql\n  "+text+"\n")
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) || problems[0].Line != 3 {
			t.Errorf("%s: %v\nwant line 3 and %s", text, err, want)
		}
	}
	if _, err := supergraphFile(t, "supergraph: { file: s.graphql }\nupstream: http://127.0.0.1:1\n"); err == nil || !strings.Contains(err.Error(), "without an upstream") {
		t.Error(err)
	}
}

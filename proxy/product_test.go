package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// A subgraph has an owner who promises something: what breaks the promise is counted.
func TestWhatTheOwnerOfASubgraphPromises(t *testing.T) {
	n := 0
	r := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n++; n {
		case 1:
			time.Sleep(30 * time.Millisecond)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case 3:
			_, _ = io.WriteString(w, `not GraphQL`)
			return
		case 4:
			_, _ = io.WriteString(w, `{"data":{"n":null},"errors":[{"message":"no"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"n":1}}`)
	}, func(f *config.File) {
		sub := f.Supergraph.Subgraphs["a"]
		sub.Owner, sub.Contract, sub.SLO = "team-a", "a@2", config.SLO{Latency: "25ms", Availability: 0.999}
		f.Supergraph.Subgraphs["a"] = sub
	})
	for range 5 {
		r.post()
	}
	_, text := do(t, r.admin, http.MethodGet, "/metrics", "")
	for _, want := range []string{
		`weir_subgraph_info{contract="a@2",owner="team-a",subgraph="a"} 1`,
		`weir_subgraph_slo_latency_seconds{owner="team-a",subgraph="a"} 0.025`,
		`weir_subgraph_slo_ratio{objective="latency",owner="team-a",subgraph="a"} 0.99`,
		`weir_subgraph_slo_ratio{objective="availability",owner="team-a",subgraph="a"} 0.999`,
		`weir_subgraph_slo_broken_total{objective="availability",owner="team-a",subgraph="a"} 2`,
		`weir_subgraph_failures_total{reason="status",subgraph="a"} 1`,
		`weir_subgraph_failures_total{reason="unusable",subgraph="a"} 1`,
		`weir_subgraph_answers_with_errors_total{subgraph="a"} 1`,
		`weir_subgraph_seconds_count{subgraph="a"} 5`,
		`weir_subgraph_bytes_total{direction="received",subgraph="a"} ` + "90",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(text, `weir_subgraph_slo_broken_total{objective="latency",owner="team-a",subgraph="a"} `) ||
		strings.Contains(text, `weir_subgraph_slo_broken_total{objective="latency",owner="team-a",subgraph="a"} 0`) {
		t.Error("the slow fetch does not count")
	}
	if t.Failed() {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "weir_subgraph_") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
}

// The first fetch hangs until the second one is there.
func TestAFetchThatHangsIsHedged(t *testing.T) {
	requests := make(chan struct{}, 1)
	requests <- struct{}{}
	r := fetching(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-requests: // the first
			<-r.Context().Done()
		default:
			_, _ = io.WriteString(w, `{"data":{"n":1}}`)
		}
	}, func(f *config.File) {
		f.Supergraph.Hedging.After = "5ms"
	})
	if got := r.post(); got != `{"data":{"n":1}}` {
		t.Error(got)
	}
	for name, want := range map[string]float64{
		`weir_subgraph_fetches_total{subgraph="a"}`: 2, `weir_subgraph_hedges_total{subgraph="a"}`: 1, `weir_subgraph_hedges_won_total{subgraph="a"}`: 1,
		`weir_subgraph_seconds_count{subgraph="a"}`: 1, `weir_subgraph_hedges_unsent_total{reason="budget",subgraph="a"}`: 0,
	} {
		if got := r.metric(name); got != want {
			t.Errorf("%s %v, want %v", name, got, want)
		}
	}
}

package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/ledger"
)

// TestStatisticsAreTheSameEverywhere asks in several ways and compares /cache/stats with /metrics.
func TestStatisticsAreTheSameEverywhere(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	r.query("A")
	eventually(t, "the answer is stored", func() bool { return r.metric("weir_cache_stored_total") == 1 }) // which it is when it has left
	for range 2 {
		r.query("A")
	}
	r.query("B")
	do(t, r.address, http.MethodPost, "/graphql", `{"query":"query C { nothing }"}`)
	var text string
	var stats struct {
		ledger.Snapshot
		HitsL1 uint64
	}
	eventually(t, "all five requests are counted", func() bool { // a request is counted when its answer has left
		_, text = do(t, r.admin, http.MethodGet, "/cache/stats", "")
		stats.Snapshot = ledger.Snapshot{}
		if err := json.Unmarshal([]byte(text), &stats); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return stats.Totals.Requests == 5
	})
	if stats.HitsL1 != 2 || stats.Totals.Requests != 5 || stats.Totals.Hits["l1"] != 2 || stats.Totals.Misses["absent"] != 2 || stats.Totals.Bypassed["operation"] != 1 {
		t.Errorf("%s", text)
	}
	if len(stats.Operations) != 3 || stats.Top[0].Name != "A" || stats.Top[0].HitRatio < 0.66 || stats.Top[0].SavedUSD <= 0 {
		t.Errorf("%s", text)
	}
	_, metrics := do(t, r.admin, http.MethodGet, "/metrics", "")
	for _, o := range stats.Operations {
		for kind, counts := range map[string]map[string]uint64{"hit": o.Hits, "miss": o.Misses, "bypass": o.Bypassed} {
			for reason, n := range counts {
				if want := fmt.Sprintf("weir_cache_outcomes_total{operation=%q,outcome=%q,reason=%q} %d\n", o.Name, kind, reason, n); !strings.Contains(metrics, want) {
					t.Errorf("no %s", want)
				}
			}
		}
	}
	if !strings.Contains(metrics, `weir_cache_saved_usd_total{operation="A"} `) {
		t.Error("what was saved is no metric")
	}
}

package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// An operation beyond a budget is refused before a subgraph is asked, or counted.
func TestBudgetsOfOperationsAndSubgraphs(t *testing.T) {
	var asked atomic.Int64
	sub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, `{"data":{"n":1,"m":1}}`)
	}))
	t.Cleanup(sub.Close)
	sdl := strings.ReplaceAll(strings.ReplaceAll(oneSubgraph, "{a}", sub.URL), "n(of: Int): Int", `n(of: Int): Int @cost(weight: "5") m: Int`)
	for _, c := range []struct {
		name   string
		budget config.Budget
		own    int
		text   string // of the refusal; empty: there is none
		over   float64
	}{
		{"none", config.Budget{Mode: "enforce"}, 0, "", 0},
		{"enough", config.Budget{Mode: "enforce", Operation: 5, Subgraph: 5}, 0, "", 0},
		{"of the operation", config.Budget{Mode: "enforce", Operation: 4}, 0, "The operation costs up to 5 points, its budget is 4.", 1},
		{"of each subgraph", config.Budget{Mode: "enforce", Subgraph: 4}, 0, "The operation costs up to 5 points at the subgraph a, the budget is 4.", 1},
		{"of this subgraph", config.Budget{Mode: "enforce", Subgraph: 9}, 3, "The operation costs up to 5 points at the subgraph a, the budget is 3.", 1},
		{"observed", config.Budget{Mode: "observe", Subgraph: 4}, 0, "", 1},
		{"off", config.Budget{Mode: "off", Subgraph: 4}, 0, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, configuration(t, "", func(f *config.File) {
				f.Schema, f.Supergraph.Budget = "", c.budget
				f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), sdl)
				if c.own > 0 {
					f.Supergraph.Subgraphs = map[string]config.Subgraph{"a": {Budget: c.own}}
				}
			}))
			asked.Store(0)
			head, text := do(t, r.address, http.MethodPost, "/graphql", `[{"query":"{ m }"},{"query":"{ n m }"}]`)
			_, metrics := do(t, r.admin, http.MethodGet, "/metrics", "")
			if c.text == "" {
				if head.StatusCode != http.StatusOK || asked.Load() != 2 {
					t.Errorf("%d %s, %d fetches", head.StatusCode, text, asked.Load())
				}
			} else if head.StatusCode != http.StatusBadRequest || head.Header.Get("Weir-Error") != "limit.cost" || !strings.Contains(text, c.text) || asked.Load() != 0 {
				t.Errorf("%d %s, %d fetches, want %s", head.StatusCode, text, asked.Load(), c.text)
			}
			if want := map[bool]string{true: `weir_limits_total{limit="budget"} 1`, false: `weir_limits_total{limit="budget"} 0`}[c.over > 0]; !strings.Contains(metrics, want+"\n") {
				t.Errorf("no %s", want)
			}
		})
	}
}

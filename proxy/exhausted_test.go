package proxy

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// Which of many subgraphs to ask for sixty fields that each four of them have is more than the search can find out.
func TestAPlanWhoseSearchRanOutIsTold(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var sdl, query strings.Builder
	sdl.WriteString("directive @join__graph(name: String!, url: String!) on ENUM_VALUE\ntype Query { t: T @join__field(graph: G0) }\nenum join__Graph {")
	for g := range 24 {
		fmt.Fprintf(&sdl, ` G%d @join__graph(name: "g%d", url: "http://127.0.0.1:1/%d")`, g, g, g)
	}
	sdl.WriteString(" }\ntype T")
	for g := range 24 {
		fmt.Fprintf(&sdl, ` @join__type(graph: G%d, key: "id")`, g)
	}
	sdl.WriteString(" { id: ID!")
	for f := range 60 {
		fmt.Fprintf(&sdl, " f%d: Int", f)
		fmt.Fprintf(&query, " f%d", f)
		for _, g := range r.Perm(23)[:4] {
			fmt.Fprintf(&sdl, " @join__field(graph: G%d)", g+1)
		}
	}
	rig := fetching(t, http.NotFound, func(f *config.File) {
		f.Supergraph.Subgraphs = nil
		f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "covers.graphql"), sdl.String()+" }")
	})
	for _, label := range []string{"A", "A", "B"} { // B is another operation, and within the minute
		_, got := do(t, rig.address, http.MethodPost, "/graphql", `{"query":"query `+label+` { t {`+query.String()+` } }"}`)
		if !strings.Contains(got, "subgraph.connect") {
			t.Errorf("%.200s", got)
		}
	}
	if n := rig.metric("weir_plan_exhausted_total"); n != 2 {
		t.Errorf("%v plans", n)
	}
	if n := rig.log.count("the search for a plan ran out of work"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

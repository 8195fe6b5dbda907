package proxy

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// An answer that leaves before the fleet's log has what it changed says so: the contract of an invalidation holds for those that do not.
func TestAnswersSayWhenTheLogLacksTheChange(t *testing.T) {
	const said = "weir; fwd=bypass; detail=not-logged"
	change := operation(`mutation { setBook(id: "1") { id title } }`)
	for name, c := range map[string]struct {
		call    call
		content string
		groups  string
		want    string
		counted float64
	}{
		"mutation":            {call: call{body: change}, want: said, counted: 1},
		"batch":               {call: call{body: "[" + change + "," + operation(`{ book(id: "1") { id title } }`) + "]"}, want: said, counted: 1},
		"unread answer":       {call: call{body: change}, content: "text/html", want: said, counted: 1},
		"unread request":      {call: call{body: change, lines: []string{"Content-Encoding", "zstd"}}, want: said, counted: 1},
		"groups of a POST":    {call: call{path: "/upload", body: "x"}, groups: `"books"`, want: said, counted: 1},
		"query":               {call: call{body: operation(`{ plain }`)}, want: "weir; fwd=miss"},
		"POST with no groups": {call: call{path: "/upload", body: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, shared := range []bool{true, false} {
				s := scripted(t, func(w http.ResponseWriter, r *http.Request, body string) {
					if c.content != "" {
						w.Header().Set("Content-Type", c.content)
					}
					if c.groups != "" {
						w.Header().Set("Cache-Group-Invalidation", c.groups)
					}
					if body[0] == '[' {
						fmt.Fprint(w, `[{"data":{"setBook":{"id":"1","title":"a"}}},{"data":{"book":{"id":"1","title":"a"}}}]`)
						return
					}
					fmt.Fprint(w, `{"data":{"setBook":{"id":"1","title":"a"}}}`)
				})
				r := before(t, s, func(f *config.File) {
					f.Policy.Cache.Tags.Obey = true
					if shared {
						f.Redis = config.List{"127.0.0.1:1"} // nobody is there
					}
				})
				eventually(t, "the schema is in force", func() bool { return r.policies.load().Plans.Schema() != nil })
				want, counted := c.want, c.counted
				if !shared && want == said {
					want, counted = "", 0
				}
				a := r.fetch(c.call)
				if got := a.header.Get("Cache-Status"); got != want || a.status != http.StatusOK {
					t.Errorf("shared %v: %d, Cache-Status %q, want %q", shared, a.status, got, want)
				}
				if n := r.metric("weir_invalidations_unlogged_total"); (n > 0) != (counted > 0) || n < counted {
					t.Errorf("shared %v: %v are counted, want %v or, for an answer in parts, more", shared, n, counted)
				}
			}
		})
	}
}

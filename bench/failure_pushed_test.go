package bench

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirproxy/weir/bench/internal/fleet"
)

// geography is a supergraph of one subgraph, the origin, with some fields of a continent.
const geography = `schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__type(graph: join__Graph!) repeatable on OBJECT
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @link(url: String, for: link__Purpose) repeatable on SCHEMA
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { GEO @join__graph(name: "geo", url: "{url}") }
type Query @join__type(graph: GEO) { continents: [Continent!]! }
type Continent @join__type(graph: GEO) { {fields} }
`

// supergraphOutlivesItsControlPlane follows a sidecar whose supergraph was pushed through restarts without a control plane.
func supergraphOutlivesItsControlPlane(w *world) {
	sdl := func(fields string) string {
		return strings.NewReplacer("{url}", w.origin.URL()+"/graphql", "{fields}", fields).Replace(geography)
	}
	file := filepath.Join(w.dir, "supergraph.graphql")
	if err := os.WriteFile(file, []byte(sdl("id: ID!")), 0o600); err != nil {
		w.Fatal(err)
	}
	address := w.free()
	s := &sidecar{w: w, name: "a", listen: w.free(), admin: w.free()}
	s.args = []string{
		"run", "--listen", s.listen, "--admin", s.admin, "--supergraph", file, "--service", "geo", "--instance", "a",
		"--state", filepath.Join(w.dir, "a-state"), "--control", "http://" + address, "--token", token,
	}
	s.begin()
	answers := func(query string, known bool) func() error {
		return func() error {
			a, err := s.post("Continents", "query Continents { continents { "+query+" } }", "{}")
			if err == nil && (a.Status != http.StatusOK || strings.Contains(string(a.Body), `"errors"`) == known) {
				err = fmt.Errorf("%d %s", a.Status, a.Body)
			}
			return err
		}
	}
	w.until("the file's supergraph answers", answers("id", true))
	w.until("it knows no more", answers("id name", false))

	server := w.control(address)
	w.untilMetric(s, 1, "weir_control_connected")
	w.call(address, "supergraph:\n  sdl: |\n    "+strings.ReplaceAll(sdl("id: ID! name: String!"), "\n", "\n    ")+"\n", "apply", "-f", "-", "--wait", failTime.String())
	w.until("the pushed supergraph answers", answers("id name", true))
	if err := w.end(server, server.Kill); err != nil {
		w.Fatal(err)
	}
	w.untilMetric(s, 0, "weir_control_connected")
	for restart, how := range []func(*fleet.Process) func() error{
		func(p *fleet.Process) func() error { return p.Stop },
		func(p *fleet.Process) func() error { return p.Kill },
	} {
		if err := w.end(s.Process, how(s.Process)); err != nil {
			w.Fatal(err)
		}
		s.begin()
		if err := answers("id name", true)(); err != nil { // the first request, too
			w.Errorf("after a restart: %v\n%s", err, s.Tail())
		}
		w.untilMetric(s, 1, "weir_supergraph_pushed")
		w.logs(s, restart+1, "last-known-good configuration applied") // the log goes on
	}
}

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
)

const catalogue = `
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query mutation: Mutation }
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { SHOP @join__graph(name: "shop", url: "{shop}") NAMES @join__graph(name: "names", url: "{names}") }
type Query @join__type(graph: SHOP) @join__type(graph: NAMES) { products: [Product] @join__field(graph: SHOP)  best: Product @join__field(graph: SHOP) }
type Mutation @join__type(graph: NAMES) { rename(id: ID!): Product @join__field(graph: NAMES) }
type Product @join__type(graph: SHOP, key: "id") @join__type(graph: NAMES, key: "id") {
  id: ID!
  name: String @join__field(graph: NAMES)
  title: String @join__field(graph: NAMES)
}`

const entitySidecars, entityProducts, entityRounds = 5, 4, 40

// names is a subgraph whose products have a new name after each mutation.
type names struct {
	mu      sync.Mutex
	version [entityProducts]int
	fetches atomic.Int64
}

func (n *names) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Query     string
		Variables map[string]json.RawMessage
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var id int
	if strings.HasPrefix(q.Query, "mutation") {
		_, _ = fmt.Sscanf(string(q.Variables["id"]), `"%d"`, &id)
		n.version[id]++
		_, _ = fmt.Fprintf(w, `{"data":{"rename":{"__typename":"Product","id":"%d","name":"%d.%d"}}}`, id, id, n.version[id])
		return
	}
	n.fetches.Add(1)
	var asked []struct{ ID string }
	_ = json.Unmarshal(q.Variables["_r"], &asked)
	var list []string
	for _, a := range asked {
		_, _ = fmt.Sscanf(a.ID, "%d", &id)
		list = append(list, fmt.Sprintf(`{"__typename":"Product","name":"%d.%d","title":"%d.%d"}`, id, n.version[id], id, n.version[id]))
	}
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = io.WriteString(w, `{"data":{"_entities":[`+strings.Join(list, ",")+`]}}`)
}

func shopAnswers(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Cache-Control", "max-age=300")
	if strings.Contains(string(body), "best") {
		_, _ = io.WriteString(w, `{"data":{"best":{"__typename":"Product","id":"1"}}}`)
		return
	}
	_, _ = io.WriteString(w, `{"data":{"products":[{"__typename":"Product","id":"0"},{"__typename":"Product","id":"1"},{"__typename":"Product","id":"2"},{"__typename":"Product","id":"3"}]}}`)
}

// entitiesAreFreshEverywhere changes an entity through one sidecar of five and reads it in three operations through all of them.
func entitiesAreFreshEverywhere(t *testing.T, programs fleet.Binaries) {
	dir, origin := t.TempDir(), new(names)
	shop, named := httptest.NewServer(http.HandlerFunc(shopAnswers)), httptest.NewServer(origin)
	defer shop.Close()
	defer named.Close()
	redis, address, err := fleet.StartRedis(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = redis.Stop() }()
	sdl := filepath.Join(dir, "supergraph.graphql")
	if err := os.WriteFile(sdl, []byte(strings.NewReplacer("{shop}", shop.URL, "{names}", named.URL).Replace(catalogue)), 0o600); err != nil {
		t.Fatal(err)
	}
	var sidecars []*fleet.Sidecar
	for i := range entitySidecars {
		s, err := fleet.StartSidecar(t.Context(), fleet.SidecarConfig{
			Binary: programs.Weir, Name: fmt.Sprintf("weir-%d", i), Dir: dir, Redis: []string{address}, Service: "shop", Args: []string{"--supergraph", sdl},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Stop() }()
		sidecars = append(sidecars, s)
	}
	assemble(t, sidecars[0].AdminURL())
	reads := 0
	check := func(s *fleet.Sidecar, query string, place func(id int) string, ids ...int) {
		got := send(t, s.URL(), query, "{}")
		for _, id := range ids {
			reads++
			if want := fmt.Sprintf(place(id), fmt.Sprintf("%d.%d", id, origin.version[id])); !strings.Contains(got, want) {
				t.Fatalf("%s by %s: no %s in %s", query, s.Name, want, got)
			}
		}
	}
	for round := range entityRounds {
		for _, s := range sidecars {
			check(s, `{ products { id name } }`, func(id int) string { return fmt.Sprintf(`{"id":"%d","name":%%q}`, id) }, 0, 1, 2, 3)
			check(s, `{ products { title } }`, func(int) string { return `{"title":%q}` }, 0, 1, 2, 3)
			check(s, `{ best { name title } }`, func(int) string { return `{"name":%q` }, 1)
		}
		id, by := round%entityProducts, sidecars[round%entitySidecars]
		got := send(t, by.URL(), `mutation($id: ID!) { rename(id: $id) { id name } }`, fmt.Sprintf(`{"id":"%d"}`, id))
		if !strings.Contains(got, fmt.Sprintf(`"name":"%d.%d"`, id, origin.version[id])) {
			t.Fatalf("the mutation got %s", got)
		}
		settle(t, by.AdminURL())
	}
	t.Logf("%d reads in 3 operations by %d sidecars, %d fetches of names", reads, entitySidecars, origin.fetches.Load())
	// Each round costs the fleet the entity that changed, in three selections, and what Redis did not have in time; without a cache it costs all.
	if all := int64(3 * entityRounds * entitySidecars); origin.fetches.Load() > all/2 {
		t.Errorf("%d fetches of %d: entities that did not change were not kept", origin.fetches.Load(), all)
	}
}

// assemble waits until all sidecars read the log: one that was never in contact with it is not waited for by others.
func assemble(t *testing.T, admin string) {
	t.Helper()
	for {
		resp, err := http.Get(admin + "/cache/fleet")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if strings.Count(string(body), `"position":`) == entitySidecars {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s", body)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// settle waits until all sidecars have applied what was invalidated before.
func settle(t *testing.T, admin string) {
	t.Helper()
	resp, err := http.Post(admin+"/cache/invalidate?wait=fleet", "application/json", strings.NewReader(`{"tags":["nothing"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
}

func send(t *testing.T, url, query, variables string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"query": query, "variables": json.RawMessage(variables)})
	resp, err := http.Post(url+"/graphql", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// two is a supergraph whose subgraphs stand in the order given, so that an index means another one in each order.
func two(urls map[string]string, names ...string) string {
	var graphs strings.Builder
	for _, n := range names {
		fmt.Fprintf(&graphs, "%s @join__graph(name: %q, url: %q) ", strings.ToUpper(n), n, urls[n])
	}
	head, _, _ := strings.Cut(oneSubgraph, "enum join__Graph")
	return strings.Replace(head, " mutation: Mutation", "", 1) + "enum join__Graph { " + graphs.String() + `}
type Query @join__type(graph: A) @join__type(graph: B) { a: Int @join__field(graph: A) b: Int @join__field(graph: B) }`
}

// replace puts a text in the place of a file, as a careful operator does it.
func replace(t *testing.T, path, text string) {
	t.Helper()
	write(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// pair starts a sidecar over the subgraphs a and b, each of which answers its own field alone. watch is how often the file is looked at.
func pair(t *testing.T, watch string) (r *rig, file string, urls map[string]string) {
	t.Helper()
	urls = map[string]string{}
	for _, name := range []string{"a", "b"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !bytes.Contains(body, []byte("{"+name)) {
				_, _ = io.WriteString(w, `{"errors":[{"message":"not mine"}]}`)
				return
			}
			_, _ = io.WriteString(w, `{"data":{"`+name+`":1}}`)
		}))
		t.Cleanup(s.Close)
		urls[name] = s.URL
	}
	file = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), two(urls, "a", "b"))
	r = start(t, configuration(t, "", func(f *config.File) {
		f.Schema, f.Supergraph.File, f.Supergraph.Watch = "", file, watch
	}))
	return r, file, urls
}

func ask(client *http.Client, address, query string) string {
	answer, err := client.Post("http://"+address+"/graphql", "application/json", strings.NewReader(`{"query":"`+query+`"}`))
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestASupergraphIsSwappedAndABrokenOneIsNot(t *testing.T) {
	r, file, urls := pair(t, "100ms")
	metric := func(line string) func() bool {
		return func() bool {
			_, text := do(t, r.admin, http.MethodGet, "/metrics", "")
			return strings.Contains(text, line+"\n")
		}
	}
	if got := ask(http.DefaultClient, r.address, "{ a b }"); got != `{"data":{"a":1,"b":1}}` {
		t.Fatal(got)
	}
	replace(t, file, two(urls, "a", "b")+"\ntype {")
	eventually(t, "refusal", metric("weir_supergraph_failing 1"))
	if got := ask(http.DefaultClient, r.address, "{ a b }"); got != `{"data":{"a":1,"b":1}}` || r.log.count("cannot be used") != 1 || r.log.count("supergraph.graphql:") != 1 {
		t.Errorf("%s, %d lines about it", got, r.log.count("cannot be used"))
	}
	replace(t, file, strings.Replace(two(urls, "b", "a"), "{ a:", "{ c: Int @join__field(graph: A) a:", 1))
	eventually(t, "swap", metric("weir_supergraph_failing 0"))
	eventually(t, "swap", metric(`weir_supergraph_changes_total{result="swapped"} 1`))
	if got := ask(http.DefaultClient, r.address, "{ a b __type(name: \\\"Query\\\") { fields { name } } }"); !strings.Contains(got, `"a":1,"b":1`) || !strings.Contains(got, `"c"`) {
		t.Error(got)
	}
	if st := r.policies.load().Plans.Stats(); st.Misses != 1 { // { a b } was planned before the swap
		t.Errorf("%d requests waited for their plan", st.Misses)
	}
}

// A label of the configuration decides which subgraph resolves a field that is on its way from one to the other.
func TestLabelsDecideOverrides(t *testing.T) {
	for label, want := range map[string]string{"": `{"data":{"a":"old"}}`, "move": `{"data":{"a":"new"}}`} {
		urls := map[string]string{}
		for name, value := range map[string]string{"a": "old", "b": "new"} {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"data":{"a":"`+value+`"}}`)
			}))
			t.Cleanup(s.Close)
			urls[name] = s.URL
		}
		head, _, _ := strings.Cut(two(urls, "a", "b"), "type Query")
		head = strings.Replace(head, "usedOverridden: Boolean", "usedOverridden: Boolean, overrideLabel: String", 1)
		r := start(t, configuration(t, "", func(f *config.File) {
			f.Schema, f.Supergraph.Labels = "", config.SplitList(label)
			f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), head+`
type Query @join__type(graph: A) @join__type(graph: B) { a: String @join__field(graph: A) @join__field(graph: B, override: "a", overrideLabel: "move") }`)
		}))
		if got := ask(http.DefaultClient, r.address, "{ a }"); got != want {
			t.Errorf("label %q: %s, want %s", label, got, want)
		}
	}
}

// Requests go on while the supergraph is swapped a thousand times, each of them over the supergraph it began with; nothing is left behind.
func TestAThousandSwapsUnderLoad(t *testing.T) {
	r, file, urls := pair(t, "0")
	texts := []string{two(urls, "b", "a"), two(urls, "a", "b"), "broken {", strings.Replace(two(urls, "b", "a"), "{ a:", "{ c: Int @join__field(graph: A) a:", 1)}
	var asked, failed atomic.Int64
	var stop atomic.Bool
	var load sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	for range 4 {
		load.Go(func() {
			for !stop.Load() {
				if got := ask(client, r.address, "{ a b }"); got != `{"data":{"a":1,"b":1}}` && failed.Add(1) == 1 {
					t.Errorf("a request failed: %s", got)
				}
				asked.Add(1)
			}
		})
	}
	swaps := func(n int) {
		for range n {
			replace(t, file, texts[int(r.supergraphs.swapped.Load()+r.supergraphs.refused.Load())%len(texts)])
			r.supergraphs.renew(r.policies.setFederation)
		}
	}
	swaps(100)
	goroutines, heap := runtime.NumGoroutine(), live()
	swaps(1000)
	stop.Store(true)
	load.Wait()
	// The connections of the last supergraphs close as soon as somebody has time for them.
	eventually(t, "what served the supergraphs of before ends", func() bool { return runtime.NumGoroutine() <= goroutines+20 })
	after, grown := runtime.NumGoroutine(), int64(live())-int64(heap)
	if failed.Load() > 0 || asked.Load() < 100 || r.supergraphs.swapped.Load() < 800 || r.supergraphs.refused.Load() < 200 {
		t.Errorf("%d of %d requests failed over %d swaps and %d broken files", failed.Load(), asked.Load(), r.supergraphs.swapped.Load(), r.supergraphs.refused.Load())
	}
	if grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	t.Logf("%d requests over %d swaps and %d broken files; %d goroutines became %d, the heap grew by %d bytes", asked.Load(),
		r.supergraphs.swapped.Load(), r.supergraphs.refused.Load(), goroutines, after, grown)
}

// live returns the bytes that live.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const changesFile = `kafka: [%s]
invalidation:
  topics:
    - name: cdc.public.cities
      format: debezium
      tables:
        - table: cities
          type: City
          key: id
    - name: said
      format: json
`

// changesOfOthers changes cities behind the sidecars' backs, and lets change data capture tell.
func changesOfOthers(w *world) {
	topics, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "cdc.public.cities", "said", "finops.cost.events", "weir.loss"))
	if err != nil {
		w.Fatal(err)
	}
	defer topics.Close()
	file := filepath.Join(w.dir, "weir.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, changesFile, strings.Join(topics.ListenAddrs(), ", ")), 0o644); err != nil {
		w.Fatal(err)
	}
	address := w.free()
	w.redis(address)
	a, b := w.sidecar("a", "-c", file, "--redis", address), w.sidecar("b", "-c", file, "--redis", address)
	for _, s := range []*sidecar{a, b} {
		w.untilMetric(s, 1, "weir_redis_connected")
		w.untilMetric(s, 2, "weir_fleet_members")
	}
	feed := w.producer(topics.ListenAddrs())
	var took []time.Duration
	for i, id := range w.cities[:10] {
		a.hit(id)
		b.hit(id)
		took = append(took, w.captured(feed, id, 5000+i, a, b))
	}
	w.Logf("from the change record to the new answer on both sidecars: %v", took)
	feed("said", ``, `{"specversion":"1.0","data":{"tags":["never:seen"]}}`)
	feed("said", ``, `{"tags":"poison"}`)
	feed("cdc.public.cities", ``, `{"op":"c","after":{"id":1},"source":{"table":"streets"}}`)
	for outcome, want := range map[string]float64{"unreadable": 1, "unknown_table": 1, "obeyed": 11} {
		w.until("records are counted as "+outcome, func() error {
			if got := a.metric("weir_changes_total", "outcome", outcome) + b.metric("weir_changes_total", "outcome", outcome); got != want {
				return fmt.Errorf("%v, want %v", got, want)
			}
			return nil
		})
	}
	w.fleetIsAwaited(a, b)
	dead, left := a, b // the one that has the partition dies
	if b.metric("weir_changes_total", "topic", "cdc.public.cities", "outcome", "obeyed") > 0 {
		dead, left = b, a
	}
	if err := w.end(dead.Process, dead.Kill); err != nil {
		w.Fatal(err)
	}
	id := w.cities[20]
	left.hit(id)
	w.Logf("after the consuming sidecar was killed: %v", w.captured(feed, id, 7777, left))
}

// producer returns what writes a record and waits until the topic has it.
func (w *world) producer(addresses []string) func(topic, key, value string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(client.Close)
	return func(topic, key, value string) {
		w.Helper()
		if err := client.ProduceSync(w.Context(), &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}).FirstErr(); err != nil {
			w.Fatal(err)
		}
	}
}

// captured changes a city at the origin, tells it by a record, and waits until all show it.
func (w *world) captured(feed func(topic, key, value string), id string, n int, sidecars ...*sidecar) time.Duration {
	w.Helper()
	mutation := fmt.Sprintf(`{"query":"mutation { setPopulation(id: \"%s\", population: %d) { id } }"}`, id, n)
	answer, err := http.Post(w.origin.URL()+"/graphql", "application/json", strings.NewReader(mutation))
	if err != nil {
		w.Fatal(err)
	}
	_ = answer.Body.Close()
	for _, s := range sidecars {
		if got, _ := s.population(id); got == n {
			w.Errorf("%s knows of a change that nobody told", s.name)
		}
	}
	began := time.Now()
	feed("cdc.public.cities", `{"id":`+id+`}`, fmt.Sprintf(`{"op":"u","before":null,"after":{"id":%s,"population":%d},"source":{"db":"geo","schema":"public","table":"cities","ts_ms":%d}}`,
		id, n, began.UnixMilli()))
	for _, s := range sidecars {
		w.until(s.name+" shows the change", func() error {
			if got, _ := s.population(id); got != n {
				return fmt.Errorf("%d, want %d\n%s", got, n, s.Tail())
			}
			return nil
		})
	}
	return time.Since(began)
}

// fleetIsAwaited waits for both, and then for one that is frozen.
func (w *world) fleetIsAwaited(a, b *sidecar) {
	w.Helper()
	type answer struct {
		Logged bool
		Fleet  struct {
			Members, Obey int
			Missing       []struct{ Instance string }
			Waited        float64 `json:"waited_ms"`
		}
	}
	ask := func(deadline string) (int, answer) {
		w.Helper()
		res, err := http.Post(a.adminURL("/cache/invalidate?wait=fleet&deadline="+deadline), "application/json", bytes.NewReader([]byte(`{"tags":["City:1"]}`)))
		if err != nil {
			w.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		var got answer
		if err := json.Unmarshal(text, &got); err != nil {
			w.Fatalf("%s: %v", text, err)
		}
		return res.StatusCode, got
	}
	status, got := ask("10s")
	if status != http.StatusOK || got.Fleet.Members != 2 || got.Fleet.Obey != 2 {
		w.Errorf("%d %+v", status, got)
	}
	w.Logf("?wait=fleet took %.1f ms", got.Fleet.Waited)
	if err := b.Freeze(); err != nil {
		w.Fatal(err)
	}
	status, got = ask("300ms")
	if err := b.Thaw(); err != nil {
		w.Fatal(err)
	}
	if status != http.StatusGatewayTimeout || !got.Logged || len(got.Fleet.Missing) != 1 || got.Fleet.Missing[0].Instance != "b" {
		w.Errorf("with b frozen: %d %+v", status, got)
	}
	if status, got = ask("10s"); status != http.StatusOK || got.Fleet.Obey != 2 {
		w.Errorf("after it went on: %d %+v", status, got)
	}
}

package workload

import (
	"slices"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin/origintest"
)

func TestTheExampleIsAWorkload(t *testing.T) {
	w, err := Load("../../workload.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range w.Labels() {
		names = append(names, l.Name+" "+l.Kind)
	}
	want := []string{
		"City query", "cities of a country query", "a place from the file query", "Largest query", "two at once batch", "a place by post query",
		"SetPopulation mutation",
	}
	if !slices.Equal(names, want) || w.Name() != "cities" {
		t.Errorf("%q %q", w.Name(), names)
	}
	var all []byte
	seen := make([]bool, len(names))
	s := w.Stream(1, 0)
	for range 2000 {
		request, op := s.Next(nil, &here, 0)
		server(t, request)
		if !seen[op] {
			all = append(append(all, request...), '\n')
		}
		seen[op] = true
	}
	golden(t, "example.txt", all)
	if slices.Index(seen, false) != 5 { // in batches alone
		t.Errorf("%v", seen)
	}
	if len(w.Subscriptions()) != 2 {
		t.Fatal(w.Subscriptions())
	}
	sub := w.Subscriptions()[0]
	if sub.Name != "Changes" || sub.Open != 10 || string(sub.Variables) != `{"id":"1796236"}` || sub.Protocol != "graphql-transport-ws" {
		t.Errorf("%+v", sub)
	}
}

func TestTheOriginAnswersTheExample(t *testing.T) {
	o := origintest.Start(t)
	w, err := Load("../../workload.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	target, err := load.ParseTarget(o.URL())
	if err != nil {
		t.Fatal(err)
	}
	r, err := load.New(load.Config{Targets: []load.Target{target}, Source: w, Connections: 4, Threads: 2, Requests: 2000, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := r.Result()
	if got.Total.Requests != 2000 || got.Total.Errors != 0 {
		t.Errorf("%d requests, failures %v", got.Total.Requests, got.Total.Failures)
	}
	for _, op := range got.Operations {
		if (op.Stats.Requests == 0) != (op.Name == "a place by post") {
			t.Errorf("%s: %d requests", op.Name, op.Stats.Requests)
		}
	}
}

package load_test

import (
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin/origintest"
	"github.com/weirproxy/weir/bench/internal/workload"
)

func TestOriginAnswersTheBuiltInWorkload(t *testing.T) {
	o := origintest.Start(t)
	geo, err := workload.GeoNames(workload.GeoOptions{Entities: 500, Mutations: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	to, err := load.ParseTarget(o.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{1, 3} {
		r, err := load.New(load.Config{
			Targets: []load.Target{to}, Source: geo, Connections: 4, Threads: threads, Requests: 1000, Ledger: load.NewLedger(),
			OnStale: func(s load.Stale) { t.Errorf("stale: %+v", s) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := r.Result()
		queries, mutations := got.Of(load.KindQuery), got.Of(load.KindMutation)
		if s := got.Total; s.Requests != 1000 || s.Errors != 0 || queries+mutations != 1000 || mutations < 100 || mutations > 300 {
			t.Errorf("%d queries, %d mutations, %+v", queries, mutations, s)
		}
		if h := got.Total.Latency; h.Count() != 1000 || h.At(50) <= 0 || h.At(99) < h.At(50) || got.Total.Bytes == 0 || got.Total.Rate <= 0 {
			t.Errorf("latency or bytes: %+v", got.Total)
		}
	}
	counts := o.Counts()
	for _, name := range []string{"query.city", "query.country", "query.cities", "query.stats", "mutation.setPopulation"} {
		if counts[name] == 0 {
			t.Errorf("%s was never asked: %v", name, counts)
		}
	}
}

package replay

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/workload"
	"github.com/weirproxy/weir/telemetry"
)

// happened is one operation as telemetry is told of it.
type happened struct {
	start int64 // µs since began
	name  string
	kind  uint8
}

const (
	kindQuery        = 1
	kindMutation     = 2
	kindSubscription = 3
)

var began = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// encoded has telemetry write the events of what happened, in the order they ended.
func encoded(t *testing.T, binary bool, list []happened) string {
	t.Helper()
	var mu sync.Mutex
	var out bytes.Buffer
	tel, err := telemetry.New(telemetry.Config{
		Binary: binary, Identity: telemetry.Identity{Service: "shop", Instance: "a-b"},
		Sink: func(event []byte) {
			mu.Lock()
			defer mu.Unlock()
			out.Write(event)
			out.WriteByte('\n')
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { _ = tel.Run(ctx) }) // ends with ctx
	for i, h := range list {
		start := began.Add(time.Duration(h.start) * time.Microsecond).UnixNano()
		tel.Emit(&telemetry.Record{
			Start: start, End: start + int64(i%7)*int64(time.Millisecond), Operation: h.name, OperationHash: [16]byte{1, byte(len(h.name))}, Kind: h.kind,
			Status: 200, Series: tel.Series(h.name),
		})
	}
	cancel()
	work.Wait()
	if err := tel.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return out.String()
}

func TestWhatTelemetryWritesIsWhatIsReplayed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"City", "Country", "SetPopulation", "Unheard\"of", "Largest"}
	var list []happened
	for at := int64(0); len(list) < 2000; at += random.Int64N(3000) {
		h := happened{at, names[random.IntN(len(names))], kindQuery}
		if h.name == "SetPopulation" {
			h.kind = kindMutation
		}
		list = append(list, h)
	}
	for _, binary := range []bool{false, true} {
		text := encoded(t, binary, list)
		rec := read(t, text+text, Options{}) // sent twice, as may happen
		if rec.Format != Events || rec.Len() != len(list) {
			t.Fatalf("%d %s, want %d: %v", rec.Len(), rec.Format, len(list), rec.Skips)
		}
		if len(rec.Skips) != 1 || rec.Skips[0].Why != "an event that came before" || rec.Skips[0].Count != len(list) {
			t.Errorf("left out: %v", rec.Skips)
		}
		w, err := workload.GeoNames(workload.GeoOptions{Mutations: 0.1})
		if err != nil {
			t.Fatal(err)
		}
		joined, source, missing := rec.Join(w)
		if len(missing) != 1 || missing[0].Name != "Unheard\"of" {
			t.Errorf("without a document: %v", missing)
		}
		expect(t, joined, source, slices.DeleteFunc(slices.Clone(list), func(h happened) bool { return h.name == "Unheard\"of" }))
	}
}

// expect compares what is sent, and when, with what happened.
func expect(t *testing.T, rec *Recording, source load.Source, list []happened) {
	t.Helper()
	s, times := source.Stream(1, 0), rec.Plan(1, 1).Times(0, 1, 1)
	if rec.Len() != len(list) {
		t.Fatalf("%d events, want %d", rec.Len(), len(list))
	}
	for i, h := range list {
		due, ok := times.Next()
		if want := time.Duration(h.start-list[0].start) * time.Microsecond; !ok || due != want {
			t.Fatalf("the %d-th is due after %v, want %v", i, due, want)
		}
		request, n := s.Next(nil, &target, i%16)
		if name := source.Labels()[n].Name; name != h.name || !bytes.Contains(request, []byte(h.name)) {
			t.Fatalf("the %d-th is %s, want %s:\n%s", i, name, h.name, request)
		}
		if failure, _ := s.Judge(&load.Reply{Status: 200, Body: []byte(`{"data":{}}`)}, i%16); failure != "" {
			t.Fatalf("a good answer is %q", failure)
		}
	}
}

func TestEventsThatCannotBeSent(t *testing.T) {
	text := encoded(t, false, []happened{{0, "S", kindSubscription}, {5, "City", kindMutation}, {9, "Gone", kindQuery}})
	text += `{"specversion":"1.0","data":{"event_type":"weir.loss.v1","count":41}}` + "\n{}\n[]\n"
	rec := read(t, text, Options{})
	want := "[{an event that was lost, as weir.loss says 41 file:4} {a line that is no event: it is a JSON array, not an object 1 file:6} " +
		"{an event of another type than weir.cost.v1 1 file:5} {an operation of kind subscription 1 file:1}]"
	if got := fmt.Sprint(rec.Skips); got != want {
		t.Errorf("left out %s\nwant     %s", got, want)
	}
	w, err := workload.GeoNames(workload.GeoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	joined, _, missing := rec.Join(w)
	if joined.Len() != 0 || len(missing) != 2 || !strings.Contains(fmt.Sprint(missing), "a query in the workload, a mutation in the events") {
		t.Errorf("%d events, without a document: %v", joined.Len(), missing)
	}
}

func TestTheMixOfEventsKeepsTheirShares(t *testing.T) {
	var list []happened
	for i := range 1000 {
		list = append(list, happened{int64(i), []string{"Largest", "City", "City", "City"}[i%4], kindQuery})
	}
	w, err := workload.GeoNames(workload.GeoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, source, _ := read(t, encoded(t, false, list), Options{}).Join(w)
	source.Mix = true
	s, largest := source.Stream(3, 0), 0
	const draws = 20_000
	for range draws {
		if _, n := s.Next(nil, &target, 0); source.Labels()[n].Name == "Largest" {
			largest++
		}
	}
	if share := float64(largest) / draws; share < 0.24 || share > 0.26 {
		t.Errorf("a share of %v, want 0.25", share)
	}
}

func TestAnOperationWithoutAUsefulNameIsFoundByItsHash(t *testing.T) {
	w, err := workload.GeoNames(workload.GeoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := &Operations{documents: w}
	for i, sample := range o.samples() {
		if sample == nil || w.Labels()[i].Kind != load.KindQuery {
			continue
		}
		text := fmt.Sprintf(`{"event_type":"weir.cost.v1","timestamp":"2026-05-04T12:00:00Z","operation":"anonymous","operation_kind":"query","operation_hash":%q}`, hash(sample))
		joined, source, missing := read(t, text, Options{}).Join(w)
		if joined.Len() != 1 || len(missing) != 0 {
			t.Fatalf("%s is not found: %v", w.Labels()[i].Name, missing)
		}
		if _, n := source.Stream(1, 0).Next(nil, &target, 0); n != i {
			t.Errorf("%s, want %s", w.Labels()[n].Name, w.Labels()[i].Name)
		}
	}
}

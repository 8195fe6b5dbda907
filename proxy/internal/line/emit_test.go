package line

import (
	"encoding/json"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/telemetry"
	"github.com/weirproxy/weir/telemetry/event"
)

func TestTheEventTellsWhatWasTakenOfEachSubgraph(t *testing.T) {
	var events []event.Envelope[event.Cost]
	tel, err := telemetry.New(telemetry.Config{Sink: func(b []byte) {
		var e event.Envelope[event.Cost]
		if err := json.Unmarshal(b, &e); err != nil {
			t.Error(err)
		}
		events = append(events, e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := testPolicy(t)
	l := New(Config{Policy: func() *policy.Policy { return p }, Telemetry: tel})
	x := &Exchange{Policy: p}
	x.next().subgraphs = append(x.Items[0].subgraphs, event.Subgraph{Name: "stock", Fetches: 2, US: 7})
	l.Emit(x, noon)
	x.reset()
	x.Policy = p
	x.next()
	l.Emit(x, noon)
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || len(events[0].Data.Subgraphs)+len(events[1].Data.Subgraphs) != 1 {
		t.Fatalf("%+v", events)
	}
	for _, e := range events {
		for _, s := range e.Data.Subgraphs {
			if s != (event.Subgraph{Name: "stock", Fetches: 2, US: 7}) || e.Data.SchemaVersion != "1.2" {
				t.Errorf("%+v", e.Data)
			}
		}
	}
}

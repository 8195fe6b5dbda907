package telemetry

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/weirproxy/weir/telemetry/event"
)

func TestUsageIsToldOnItsTopic(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, event.CostTopic, event.LossTopic, event.UsageTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs(), Binary: true})
	at := Timestamp(time.Unix(0, 1).UTC())
	tel.TellUsage(&event.Usage{Client: "web", From: at, To: at, Operations: 2, Fields: []event.FieldUsage{{Type: "Query", Field: "a", Count: 2}}})
	tel.TellUsage(&event.Usage{Client: "app"})
	if err := tel.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	tel.TellUsage(&event.Usage{Client: "late"})
	list := records(t, broker.ListenAddrs(), event.UsageTopic, 2)
	if len(list) != 2 || tel.counters.usage.Load() != 3 || tel.counters.usageLost.Load() != 1 {
		t.Fatalf("%d records of %d events, %d lost", len(list), tel.counters.usage.Load(), tel.counters.usageLost.Load())
	}
	var e event.Envelope[event.Usage]
	if err := json.Unmarshal(list[0].Value, &e); err != nil {
		t.Fatal(err)
	}
	if u := e.Data; e.Type != event.UsageType || e.ID != u.EventID || u.EventID == "" || u.Service != "svc" || u.Client != "web" || u.Operations != 2 || len(u.Fields) != 1 ||
		u.Fields[0] != (event.FieldUsage{Type: "Query", Field: "a", Count: 2}) || u.From != "1970-01-01T00:00:00.000000Z" || string(list[0].Key) != "svc" {
		t.Errorf("%s", list[0].Value)
	}
}

func TestUsageWithoutBrokersIsNothing(t *testing.T) {
	tel := newTelemetry(t, Config{})
	tel.TellUsage(&event.Usage{Client: "web"})
	if tel.counters.usage.Load() != 0 {
		t.Error("it was told")
	}
}

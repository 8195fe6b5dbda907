package telemetry

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/event"
)

// records reads n records of a topic.
func records(t *testing.T, brokers []string, topic string, n int) []*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var list []*kgo.Record
	for len(list) < n && ctx.Err() == nil {
		list = append(list, c.PollFetches(ctx).Records()...)
	}
	return list
}

func TestBinaryModePutsTheAttributesIntoHeaders(t *testing.T) {
	broker := startBroker(t)
	defer broker.Close()
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs(), Binary: true})
	stop := run(t, tel)
	tel.Emit(record(tel, 1))
	stop()
	if err := tel.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	list := records(t, broker.ListenAddrs(), event.CostTopic, 1)
	if len(list) != 1 {
		t.Fatalf("%d records", len(list))
	}
	var data event.Cost
	if err := json.Unmarshal(list[0].Value, &data); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for _, h := range list[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	for name, want := range map[string]string{
		"ce_specversion": "1.0", "ce_id": data.EventID, "ce_type": event.CostType, "ce_source": "/weir/svc/pod", "ce_time": data.Timestamp,
		"content-type": "application/json",
	} {
		if headers[name] != want || want == "" {
			t.Errorf("%s is %q, want %q", name, headers[name], want)
		}
	}
}

// A shipment is filled over many takes, while its first records are on their way or arrived: each event comes once, and whole.
func TestEventsOfManyTakesArriveOnceAndWhole(t *testing.T) {
	broker := startBroker(t)
	defer broker.Close()
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs()})
	stop := run(t, tel)
	const events = 1000
	for i := range events {
		tel.Emit(record(tel, i))
		if i%20 == 0 {
			eventually(t, func() bool { return tel.ring.Depth() == 0 })
		}
	}
	stop()
	if err := tel.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range records(t, broker.ListenAddrs(), event.CostTopic, events) {
		var e event.Envelope[event.Cost]
		if err := json.Unmarshal(r.Value, &e); err != nil || e.ID == "" || e.ID != e.Data.EventID || seen[e.ID] {
			t.Fatalf("%s: %v", r.Value, err)
		}
		seen[e.ID] = true
	}
	if len(seen) != events {
		t.Errorf("%d events arrived", len(seen))
	}
}

// What is refused after the last request is told without another one.
func TestLossIsToldWithoutARequest(t *testing.T) {
	broker := startBroker(t)
	defer broker.Close()
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs()})
	stop := run(t, tel)
	defer func() {
		stop()
		if err := tel.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	eventually(t, tel.cpu.rests.Load)
	tel.losses.add(lossBroker, 7)
	told := records(t, broker.ListenAddrs(), event.LossTopic, 1)
	var e event.Envelope[event.Loss]
	if len(told) != 1 || json.Unmarshal(told[0].Value, &e) != nil || e.Data.Count != 1 || e.Data.FirstSequence != 7 {
		t.Errorf("told %v", told)
	}
}

func TestLossesAreToldOnTheirTopic(t *testing.T) {
	broker := startBroker(t)
	defer broker.Close()
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs(), RingRecords: 64})
	for i := range 500 { // before anything reads the ring
		tel.Emit(record(tel, i))
	}
	stop := run(t, tel)
	stop()
	if err := tel.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	lost := tel.Stats().Dropped["ring_full"]
	told := records(t, broker.ListenAddrs(), event.LossTopic, 1)
	var e event.Envelope[event.Loss]
	if lost == 0 || len(told) != 1 || json.Unmarshal(told[0].Value, &e) != nil {
		t.Fatalf("%d lost, told %v", lost, told)
	}
	if e.Data.Count != lost || e.Data.Reason != "ring_full" || e.Data.Service != "svc" || e.Type != event.LossType {
		t.Errorf("%+v, %d lost", e.Data, lost)
	}
	if got := len(records(t, broker.ListenAddrs(), event.CostTopic, int(500-lost))); got != int(500-lost) {
		t.Errorf("%d events arrived, %d lost, of 500", got, lost)
	}
}

package proxy

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/telemetry/event"
)

// costs reads the cost events that a broker has, of a sidecar that has ended.
func costs(t *testing.T, broker *kfake.Cluster, n int) (list []event.Cost) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.ConsumeTopics(event.CostTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for len(list) < n && ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			var e event.Envelope[event.Cost]
			if err := json.Unmarshal(r.Value, &e); err != nil {
				t.Errorf("%v in %s", err, r.Value)
			}
			list = append(list, e.Data)
		})
	}
	return list
}

// A subscription has one cost event, at its end: of all its events, with the bytes that the client got.
func TestTheCostOfASubscription(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, event.CostTopic, event.LossTopic, event.UsageTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	n := newNewsroom(t, func(f *config.File) { f.Kafka = broker.ListenAddrs() })
	const (
		events = 3
		trace  = "4bf92f3577b34da6a3ce929d0e0e4736"
		named  = `subscription Sold { sold { id name } }`
	)
	socket := n.talk(`{}`, "traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	socket.subscribe("1", named)
	up := n.arrive()
	stream := n.subscribe(named)
	eventually(t, "both", func() bool { return n.metric("weir_subscriptions") == 2 })
	for range events {
		up.next(sale)
		socket.expect(next("1", saleAnswer))
		stream.expect(saleTold)
	}
	up.say(`{"id":"1","type":"complete"}`)
	socket.expect(complete("1"))
	stream.over()
	eventually(t, "both have ended", func() bool { return n.metric("weir_subscriptions") == 0 })
	_ = socket.conn.CloseNow()
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	var got []event.Cost
	for _, e := range costs(t, broker, 2) {
		if e.Operation == "Sold" {
			got = append(got, e)
		}
	}
	if len(got) != 2 {
		t.Fatalf("%d cost events of two subscriptions: %+v", len(got), got)
	}
	for _, e := range got {
		bytes := int64(events * len(saleAnswer))
		if e.TraceID == "" { // the event stream, with its head and what stands around events
			if e.Quantities.BytesOut <= bytes {
				t.Errorf("%d bytes went out, which have %d in them", e.Quantities.BytesOut, bytes)
			}
		} else if e.TraceID != trace || e.Quantities.BytesOut != bytes {
			t.Errorf("trace %s, %d bytes went out, want %d", e.TraceID, e.Quantities.BytesOut, bytes)
		}
		q := e.Quantities
		if e.OperationKind != "subscription" || e.Status != 200 || e.Code != "" || e.Errors != 0 || q.BytesIn == 0 || q.Points == 0 || q.Points%events != 0 || q.Fetches == 0 {
			t.Errorf("%+v", e)
		}
		if len(e.Subgraphs) == 0 || !strings.HasPrefix(e.CostAmount, "0.") || e.LatencyUS <= 0 || q.UpstreamUS > e.LatencyUS {
			t.Errorf("%+v", e)
		}
	}
}

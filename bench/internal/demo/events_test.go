package demo

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/telemetry/event"
)

func TestConsumerAddsUpWhatCameAfterItsStart(t *testing.T) {
	b, err := broker.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	producer, err := kgo.NewClient(kgo.SeedBrokers(b.Addresses()...), kgo.DefaultProduceTopic(event.CostTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	send := func(value string) {
		t.Helper()
		if err := producer.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	send(`{"data":{"cost_amount":"5","saved_amount":"5"}}`)
	c, err := newConsumer(t.Context(), b.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	send(`{"data":{"cost_amount":"0.000000000002","saved_amount":"0.1","anomaly_score":0.9}}`)
	send(`{"data":{"cost_amount":"0.000000000001","saved_amount":"0","anomaly_score":0.1}}`)
	send(`broken`)
	err = until(ctx, pollTime, func() error {
		if c.totals().Events < 3 {
			return context.DeadlineExceeded
		}
		return nil
	})
	cancel()
	<-done
	got := c.totals()
	if err != nil || got.Events != 3 || got.Broken != 1 || got.Cost != 3 || got.Saved != 100_000_000_000 || got.Anomalies != 1 {
		t.Errorf("%+v %v", got, err)
	}
}

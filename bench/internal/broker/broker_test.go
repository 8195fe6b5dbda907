package broker

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProduceAndConsume(t *testing.T) {
	b, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addresses()...), kgo.DefaultProduceTopic(CostEvents), kgo.ConsumeTopics(CostEvents))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := client.ProduceSync(ctx, kgo.StringRecord("event")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if n := client.PollFetches(ctx).NumRecords(); n != 1 {
		t.Fatalf("%d records, want 1", n)
	}
}

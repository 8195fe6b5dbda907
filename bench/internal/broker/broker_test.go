package broker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
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

// TestTopicsOfAnEarlierBroker: after a broker was started again, producers may send records of topics that they know from the one before.
func TestTopicsOfAnEarlierBroker(t *testing.T) {
	b, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addresses()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis = -1, 1000
	for i := range byte(2) {
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic, topic.TopicID = string('a'+i), [16]byte{1 + i}
		topic.Partitions = []kmsg.ProduceRequestTopicPartition{kmsg.NewProduceRequestTopicPartition()}
		r.Topics = append(r.Topics, topic)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	answer, err := r.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range answer.Topics {
		if err := kerr.ErrorForCode(topic.Partitions[0].ErrorCode); !errors.Is(err, kerr.UnknownTopicOrPartition) {
			t.Errorf("%s: %v", topic.Topic, err)
		}
	}
	if len(answer.Topics) != 2 {
		t.Errorf("%+v", answer)
	}
}

package telemetry

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/event"
)

// TestTopicThatIsCreatedAgainGetsEvents deletes the topic under the sender and creates it again: a new topic to the broker, by its id. Events go on to it, and
// each one was acknowledged or counted as lost.
func TestTopicThatIsCreatedAgainGetsEvents(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, event.CostTopic, event.LossTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs()})
	stop := run(t, tel)
	emitted := uint64(0)
	emit := func() {
		tel.Emit(record(tel, int(emitted)))
		emitted++
	}
	emit()
	eventually(t, func() bool { return tel.Stats().Acked == 1 })
	if _, err := admin.DeleteTopic(context.Background(), event.CostTopic); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(context.Background(), 1, 1, nil, event.CostTopic); err != nil {
		t.Fatal(err)
	}
	// The client finds out by itself and refuses some events; after that they must be acknowledged again.
	eventually(t, func() bool { emit(); return tel.Stats().Dropped["broker"] > 0 })
	acked := tel.Stats().Acked
	eventually(t, func() bool { emit(); return tel.Stats().Acked > acked+100 })
	stop()
	if err := tel.Close(context.Background()); err != nil {
		t.Error(err)
	}
	s := tel.Stats()
	if s.Acked+s.Dropped["broker"] != emitted {
		t.Errorf("%d emitted: %+v", emitted, s)
	}
}

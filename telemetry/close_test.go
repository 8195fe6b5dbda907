package telemetry

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/weirproxy/weir/telemetry/event"
)

// accounted fails the test unless every event emitted was acknowledged or is counted as dropped.
func accounted(t *testing.T, tel *Telemetry) Stats {
	t.Helper()
	s := tel.Stats()
	settled := s.Acked
	for _, n := range s.Dropped {
		settled += n
	}
	if settled != s.Emitted || s.RingDepth != 0 {
		t.Errorf("%d of %d events are accounted for: %+v", settled, s.Emitted, s)
	}
	return s
}

// More than the client takes at once waits in the ring when the process ends.
func TestCloseSendsAllThatWaits(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, event.CostTopic, event.LossTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs(), RingRecords: 64_000})
	for i := range 40_000 {
		tel.Emit(record(tel, i))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := tel.Close(ctx); err != nil {
		t.Error(err)
	}
	if s := accounted(t, tel); s.Acked != 40_000 {
		t.Errorf("%+v", s)
	}
}

func TestCloseCountsWhatItCannotSend(t *testing.T) {
	tel := newTelemetry(t, Config{Brokers: []string{"127.0.0.1:1"}, RingRecords: 64_000})
	for i := range 40_000 {
		tel.Emit(record(tel, i))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if tel.Close(ctx) == nil {
		t.Error("Close says that all was sent")
	}
	tel.Emit(record(tel, 0)) // a request that ends after Close
	if s := accounted(t, tel); s.Dropped["close"] != 40_001 {
		t.Errorf("%+v", s)
	}
}

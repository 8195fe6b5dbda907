package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/event"
	"github.com/weirproxy/weir/telemetry/internal/kafka"
)

const (
	maxBuffered      = 20_000
	maxBufferedBytes = 32 << 20
	// linger is how long the client lets events gather for a batch, which has a price of its own (about 100 µs of a processor) that requests wait for.
	linger = 50 * time.Millisecond
	// batchBytes bounds a batch, and so the memory for those on their way. No event is nearly so large.
	batchBytes = 512 << 10
)

// sender produces to Kafka: idempotent, without a delivery timeout, so that an outage holds records back instead of losing them, and
// bounded, so that it holds back only so many.
type sender struct {
	t       *Telemetry
	client  *kgo.Client
	contact *kafka.Contact
	probing atomic.Bool
	probed  time.Time // when the last probe began
	probes  sync.WaitGroup
	// renewed says that a topic was deleted and created again: the client refuses such a topic until it is told to forget it.
	renewed atomic.Bool
	open    sync.WaitGroup // shipments that are not settled
	filling *shipment      // nil: none
	free    chan *shipment // to use again
	// largest is the size of the largest shipment so far, at most keptData. A new one begins with it: what append leaves
	// behind when it grows would be held by the records that lie there.
	largest int
	key     []byte
	headers []kgo.RecordHeader
}

func newSender(t *Telemetry) (*sender, error) {
	s := &sender{t: t, key: []byte(t.cfg.Identity.Service), free: make(chan *shipment, keptShipments)}
	contentType := "application/cloudevents+json; charset=UTF-8"
	if t.cfg.Binary {
		contentType = "application/json"
	}
	s.headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte(contentType)}}
	s.contact = &kafka.Contact{
		Logger: t.cfg.Logger, Brokers: t.cfg.Brokers, Security: t.cfg.Security,
		Fails: "kafka takes no events; they wait, and are counted when they are lost", Works: "kafka takes events again",
	}
	options, err := t.cfg.Security.Options()
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	s.client, err = kgo.NewClient(append(options,
		kgo.SeedBrokers(t.cfg.Brokers...),
		kgo.ClientID("weir-"+t.cfg.Identity.Service),
		kgo.MaxBufferedRecords(maxBuffered),
		kgo.MaxBufferedBytes(maxBufferedBytes),
		kgo.ProducerLinger(linger),
		kgo.ProducerBatchMaxBytes(batchBytes),
		kgo.WithCompressor(compressor{}),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.WithHooks(s.contact),
	)...)
	if err != nil {
		return nil, fmt.Errorf("telemetry: kafka: %w", err)
	}
	return s, nil
}

// room reports whether more may be handed over: at most half of the client's buffer is used.
func (s *sender) room() bool {
	if !s.contact.Open() {
		s.probe()
		return false
	}
	return s.client.BufferedProduceRecords() < maxBuffered/2 && s.client.BufferedProduceBytes() < maxBufferedBytes/2
}

const (
	probeEvery   = time.Second
	probeTimeout = 4 * time.Second // to connect, and to be answered
)

// probe finds out whether brokers let this client in, beside the events that wait for it.
func (s *sender) probe() {
	if time.Since(s.probed) < probeEvery || !s.probing.CompareAndSwap(false, true) {
		return
	}
	s.probed = time.Now()
	s.probes.Go(func() {
		defer s.probing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		s.contact.Probe(ctx, s.client)
	})
}

// send produces the records' events.
func (s *sender) send(records []Record) {
	if s.renewed.Swap(false) {
		s.t.cfg.Logger.Warn("a topic was deleted and created again; what was on the way to it is lost and counted", "topic", s.t.cfg.Topic)
		s.client.PurgeTopicsFromProducing(s.t.cfg.Topic, event.LossTopic, event.UsageTopic)
	}
	now := time.Now() // one look at the clock for all
	for i := range records {
		if s.filling == nil {
			s.filling = s.shipment()
		}
		if !s.filling.produce(&records[i], now) {
			s.filled()
		}
	}
}

// filled ends the shipment that was being filled.
func (s *sender) filled() {
	if p := s.filling; p != nil {
		s.filling = nil
		s.largest = max(s.largest, min(len(p.data), keptData))
		p.release()
	}
}

func (s *sender) settle(r *kgo.Record, err error) {
	switch {
	case err == nil:
		s.t.counters.acked.Add(1)
		s.t.counters.ackedBytes.Add(uint64(len(r.Value)))
		s.contact.Taken()
	case errors.Is(err, kgo.ErrMaxBuffered):
		s.t.losses.add(lossClient, sequence(r.Value))
	case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting):
		s.t.losses.add(lossClose, sequence(r.Value))
	default:
		s.contact.Refused(err)
		s.t.losses.add(lossBroker, sequence(r.Value))
		s.refused(err)
	}
}

// refused notes what has to be done about a broker's refusal before the next batch is sent.
func (s *sender) refused(err error) {
	if errors.Is(err, kerr.UnknownTopicID) {
		s.renewed.Store(true)
	}
}

// sendLoss tells a loss; one that cannot be told now is told with the next.
func (s *sender) sendLoss(n told) {
	r := &kgo.Record{Topic: event.LossTopic, Key: s.key, Value: n.text, Headers: []kgo.RecordHeader{
		{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")},
	}}
	s.client.TryProduce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			s.t.losses.again(n)
		}
		s.refused(err)
	})
}

// close sends what is buffered until ctx ends; what is left then is lost, and counted.
func (s *sender) close(ctx context.Context) error {
	s.filled()
	s.t.tellLosses()
	err := s.client.Flush(ctx)
	if n := s.client.BufferedProduceRecords(); n > 0 {
		s.t.cfg.Logger.Warn("events were not sent before the end", "events", n, "error", err)
	}
	s.client.Close()
	s.probes.Wait()
	s.settled()
	if err != nil {
		return fmt.Errorf("telemetry: kafka: %w", err)
	}
	return nil
}

// settleWait bounds how long a closed client may take to say what became of its records.
const settleWait = time.Second

// settled waits until the closed client has failed what it held, so that all of it is counted.
func (s *sender) settled() {
	all := make(chan struct{})
	go func() { s.open.Wait(); close(all) }()
	late := time.NewTimer(settleWait)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C:
		s.t.cfg.Logger.Error("the Kafka client did not say what became of all its events")
	}
}

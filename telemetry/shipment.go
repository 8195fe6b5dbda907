package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/internal/ring"
)

// shipment is a batch of the ring on its way through the Kafka client, with a record for each event. Its memory is used again when the
// last of them is settled.
type shipment struct {
	s       *sender
	batch   *ring.Batch
	records []kgo.Record
	left    atomic.Int64 // records that are not settled
	done    func(*kgo.Record, error)
}

// Each shard of the ring has a few shipments on their way at a time: one in each linger, and those that a broker has not acknowledged. What a backlog
// has made larger than keptRecords is not kept.
const (
	keptShipments = 40
	keptRecords   = 256 // 40 KiB; at 200,000 events a second a shard has some 125 of them in 5 ms, and a quarter more is taken
)

// shipment returns one for the batch, used before or new.
func (s *sender) shipment(b *ring.Batch) *shipment {
	var p *shipment
	select {
	case p = <-s.free:
	default:
		p = &shipment{s: s}
		p.done = p.settled
	}
	if cap(p.records) < len(b.Ends) {
		p.records = make([]kgo.Record, len(b.Ends)+len(b.Ends)/4)
	}
	p.batch, p.records = b, p.records[:len(b.Ends)]
	p.left.Store(int64(len(b.Ends)))
	s.open.Add(1)
	return p
}

// produce hands the records over.
func (p *shipment) produce() {
	s := p.s
	now := time.Now() // one look at the clock for all
	for i := range p.records {
		r := &p.records[i]
		*r = kgo.Record{Topic: s.t.cfg.Topic, Key: s.key, Value: p.batch.At(i), Headers: s.headers, Timestamp: now}
		if s.t.cfg.Binary {
			r.Headers = s.binaryHeaders(r.Value)
		}
		s.client.TryProduce(context.Background(), r, p.done)
	}
}

// settled is called once for each record.
func (p *shipment) settled(r *kgo.Record, err error) {
	s := p.s
	s.settle(r, err)
	if p.left.Add(-1) > 0 {
		return
	}
	s.t.ring.Give(p.batch)
	p.batch = nil
	s.open.Done()
	if cap(p.records) > keptRecords {
		return
	}
	select {
	case s.free <- p:
	default:
	}
}

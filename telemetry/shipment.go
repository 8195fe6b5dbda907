package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// shipment is some events on their way through the Kafka client. Its memory is used again when the last of them is settled.
type shipment struct {
	s       *sender
	data    []byte // the events, side by side
	ends    []int  // event i ends at ends[i]
	records []kgo.Record
	left    atomic.Int64 // records that are not settled
	done    func(*kgo.Record, error)
}

const (
	shipmentEvents = 64
	// So many are filled by 100,000 events a second in 30 ms; gathering and lingering take 12 of them.
	keptShipments = 48
	keptData      = 128 << 10 // an event is about 1 KiB; what is far larger is not kept
)

// shipment returns an empty one, used before or new.
func (s *sender) shipment() *shipment {
	select {
	case p := <-s.free:
		return p
	default:
		p := &shipment{s: s}
		p.done = p.settled
		return p
	}
}

// add encodes the record's event; false says that there is no room for another one.
func (p *shipment) add(r *Record) bool {
	p.data = r.Append(p.data)
	p.ends = append(p.ends, len(p.data))
	return len(p.ends) < shipmentEvents
}

// produce hands the events over.
func (p *shipment) produce() {
	s := p.s
	s.open.Add(1)
	p.left.Store(int64(len(p.ends)))
	if n := len(p.ends); cap(p.records) < n { // no more than it needs: while a broker is away there may be thousands of a few events each
		p.records = make([]kgo.Record, min(n+n/4, shipmentEvents))
	}
	p.records = p.records[:len(p.ends)]
	now := time.Now() // one look at the clock for all
	start := 0
	for i, end := range p.ends {
		r := &p.records[i]
		*r = kgo.Record{Topic: s.t.cfg.Topic, Key: s.key, Value: p.data[start:end:end], Headers: s.headers, Timestamp: now}
		start = end
		if s.t.cfg.Binary {
			r.Headers = s.binaryHeaders(r.Value)
		}
	}
	records := p.records // p may be in use again when the last of them was handed over
	for i := range records {
		s.client.TryProduce(context.Background(), &records[i], p.done)
	}
}

// settled is called once for each record.
func (p *shipment) settled(r *kgo.Record, err error) {
	s := p.s
	s.settle(r, err)
	if p.left.Add(-1) > 0 {
		return
	}
	keep := cap(p.data) <= keptData
	p.data, p.ends = p.data[:0], p.ends[:0]
	s.open.Done()
	if !keep {
		return
	}
	select {
	case s.free <- p:
	default:
	}
}

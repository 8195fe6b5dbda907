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
	records []kgo.Record
	left    atomic.Int64 // records that are not settled, and one while it is being filled
	done    func(*kgo.Record, error)
}

const (
	shipmentEvents = 64
	// So many are filled by 60,000 events a second in 100 ms: until a batch of half a MiB is full, sent, and acknowledged by a busy broker.
	keptShipments = 96
	keptData      = 128 << 10 // an event is about 1 KiB; what is far larger is not kept
)

// shipment returns an empty one to be filled, used before or new.
func (s *sender) shipment() (p *shipment) {
	select {
	case p = <-s.free:
	default:
		p = &shipment{s: s, data: make([]byte, 0, s.largest), records: make([]kgo.Record, 0, shipmentEvents)}
		p.done = p.settled
	}
	s.open.Add(1)
	p.left.Store(1)
	return p
}

// produce encodes the record's event and hands it over; false says that there is no room for another one.
func (p *shipment) produce(r *Record, now time.Time) bool {
	s, start := p.s, len(p.data)
	p.data = r.Append(p.data)
	value := p.data[start:len(p.data):len(p.data)]
	headers := s.headers
	if s.t.cfg.Binary {
		headers = s.binaryHeaders(value)
	}
	p.records = append(p.records, kgo.Record{Topic: s.t.cfg.Topic, Key: s.key, Value: value, Headers: headers, Timestamp: now})
	p.left.Add(1)
	s.client.TryProduce(context.Background(), &p.records[len(p.records)-1], p.done)
	return len(p.records) < shipmentEvents
}

// settled is called once for each record.
func (p *shipment) settled(r *kgo.Record, err error) {
	p.s.settle(r, err)
	p.release()
}

// release lets go of one record, or of the filling.
func (p *shipment) release() {
	if p.left.Add(-1) > 0 {
		return
	}
	s, keep := p.s, cap(p.data) <= keptData
	p.data, p.records = p.data[:0], p.records[:0]
	s.open.Done()
	if !keep {
		return
	}
	select {
	case s.free <- p:
	default:
	}
}

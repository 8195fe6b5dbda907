package telemetry

import "sync/atomic"

type counters struct{ queued, discarded, acked, ackedBytes, usage, usageLost atomic.Uint64 }

// Stats is a snapshot.
type Stats struct {
	Emitted    uint64            // records given to Emit
	Queued     uint64            // of these: taken into the ring
	Discarded  uint64            // of these: not taken, for nobody reads events
	Acked      uint64            // delivered: acknowledged by Kafka, or taken by the sink
	Dropped    map[string]uint64 // by reason
	RingDepth  int
	Connected  bool // the last contact with a broker went well; true without brokers
	LastError  string
	AckedBytes uint64
	CPUPerOp   int64 // µs of the process's CPU that an operation takes
}

// Stats returns a snapshot.
func (t *Telemetry) Stats() Stats {
	s := Stats{
		Emitted: t.seq.Load(), Queued: t.counters.queued.Load(), Discarded: t.counters.discarded.Load(), Acked: t.counters.acked.Load(),
		AckedBytes: t.counters.ackedBytes.Load(), Dropped: map[string]uint64{}, Connected: true, CPUPerOp: t.cpu.perRequest.Load(),
	}
	for i, n := range t.losses.totals() {
		s.Dropped[lossNames[i]] = n
	}
	if t.ring != nil {
		s.RingDepth = t.ring.Depth()
	}
	if t.sender != nil {
		s.Connected, s.LastError = t.sender.contact.Working(), t.sender.contact.LastError()
	}
	return s
}

package telemetry

import (
	"context"
	"time"

	"github.com/weirproxy/weir/telemetry/internal/ring"
)

const (
	// gather is how long the reader lets records gather after the first one, unless there are many before. It takes a few at a time: on a processor that
	// it shares with requests, they wait for whatever it does at once.
	gather = 10 * time.Millisecond
	// often is the least time from one take to the next: where many come all the time, each costs less when more are taken.
	often = time.Millisecond
)

// drain encodes what the ring holds, and hands it on, until ctx ends.
func (t *Telemetry) drain(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	var taken time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.ring.Wake():
		}
		pause.Reset(gather)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		case <-t.ring.Many():
			if early := often - time.Since(taken); early > 0 {
				pause.Reset(early)
				select {
				case <-ctx.Done():
					return
				case <-pause.C:
				}
			}
		}
		for !t.take() { // Kafka is behind: the ring fills, and drops when it is full
			pause.Reset(10 * gather)
			select {
			case <-ctx.Done():
				return
			case <-pause.C:
			}
		}
		taken = time.Now()
	}
}

// take moves what the ring holds; false when the sender has no room for all.
func (t *Telemetry) take() bool {
	for i := range t.ring.Shards() {
		if t.sender != nil && !t.sender.room() {
			return false
		}
		b := t.ring.Take(i)
		if b == nil {
			continue
		}
		if t.sender != nil {
			t.sender.send(b.Items)
		} else {
			t.sink(b.Items)
		}
		t.giveBack(b)
	}
	return true
}

// giveBack returns a batch to the ring, without what its records point to.
func (t *Telemetry) giveBack(b *ring.Batch[Record]) {
	for i := range b.Items {
		b.Items[i].forget()
	}
	t.ring.Give(b)
}

// empty ends the ring and moves what it holds until ctx ends; what is left then is lost, and counted.
func (t *Telemetry) empty(ctx context.Context) {
	t.closed.Store(true)
	t.ring.Close()
	tick := time.NewTicker(gather)
	defer tick.Stop()
	for !t.take() {
		select {
		case <-ctx.Done():
			t.abandon()
			return
		case <-tick.C:
		}
	}
}

// abandon counts what the ring holds as lost.
func (t *Telemetry) abandon() {
	for i := range t.ring.Shards() {
		b := t.ring.Take(i)
		if b == nil {
			continue
		}
		for j := range b.Items {
			t.losses.add(lossClose, b.Items[j].seq)
		}
		t.giveBack(b)
	}
}

func (t *Telemetry) sink(records []Record) {
	for i := range records {
		t.sunk = records[i].Append(t.sunk[:0])
		t.cfg.Sink(t.sunk)
	}
	t.counters.acked.Add(uint64(len(records)))
}

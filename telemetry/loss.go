package telemetry

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/weirproxy/weir/telemetry/event"
)

// lossReason is why events were dropped.
type lossReason uint8

const (
	lossRing   lossReason = iota // the ring was full
	lossClient                   // the Kafka client was full or refused the record
	lossBroker                   // the broker refused the record
	lossClose                    // the process ended before they were sent
	lossReasons
)

var lossNames = [lossReasons]string{"ring_full", "client", "broker", "close"}

// losses counts what was dropped, and what of it has not been told yet.
type losses struct {
	mu     sync.Mutex
	rows   [lossReasons]loss
	chores chan<- struct{} // is woken by what is to be told
}

type loss struct {
	total       uint64
	untold      uint64
	first, last uint64 // sequences of the untold
}

func (l *losses) add(why lossReason, seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.rows[why]
	r.total++
	if r.untold == 0 {
		r.first = seq
		wake(l.chores)
	}
	r.untold++
	r.first, r.last = min(r.first, seq), max(r.last, seq)
}

func (l *losses) totals() (t [lossReasons]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.rows {
		t[i] = l.rows[i].total
	}
	return t
}

// told is a loss on its way to the topic.
type told struct {
	text []byte
	why  lossReason
	loss loss
}

// again takes a loss back that could not be told.
func (l *losses) again(n told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.rows[n.why]
	if r.untold == 0 {
		r.first = n.loss.first
		wake(l.chores)
	}
	r.untold += n.loss.untold
	r.first, r.last = min(r.first, n.loss.first), max(r.last, n.loss.last)
}

// tell returns the events that tell the untold, each with its id, and takes them as told.
func (l *losses) tell(t *Telemetry, now time.Time) []told {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []told
	for i := range l.rows {
		r := &l.rows[i]
		if r.untold == 0 {
			continue
		}
		id := fmt.Sprintf("%sloss-%s-%d", t.identity.prefix, lossNames[i], r.last)
		at := formatTime(now.UnixNano())
		text, err := json.Marshal(event.Envelope[event.Loss]{
			SpecVersion: "1.0", ID: id, Source: "/weir/" + t.cfg.Identity.Service + "/" + t.cfg.Identity.Instance, Type: event.LossType,
			Time: string(at[:]), DataContentType: "application/json",
			Data: event.Loss{
				EventID: id, SchemaVersion: event.SchemaVersion, EventType: event.LossType, Service: t.cfg.Identity.Service,
				Instance: t.cfg.Identity.Instance, Boot: t.boot, Reason: lossNames[i], Count: r.untold,
				FirstSequence: r.first, LastSequence: r.last,
			},
		})
		if err == nil {
			list = append(list, told{text, lossReason(i), *r})
		}
		r.untold, r.first, r.last = 0, 0, 0
	}
	return list
}

package load

import (
	"time"

	"github.com/weirproxy/weir/bench/internal/acked"
)

// Grace is the time after an acknowledged mutation within which other sidecars may still show the old version.
const Grace = 200 * time.Millisecond

// LateGrace is the same for a mutation whose answer said that the fleet's log did not have it yet (Cache-Status: detail=not-logged): a log that can be reached
// gets it within a few attempts, and a sidecar that cannot reach it trusts nothing for longer.
const LateGrace = 10500 * time.Millisecond

// memory of single acknowledgements. It must exceed the longest read plus LateGrace.
const memory = 30 * time.Second

// Ledger knows, for each entity, which version a read must show at least. A mutation is acknowledged through one target when its answer has arrived: from
// then on that target must show its version, and every other target after Grace, or after LateGrace where the answer said so. It is safe for concurrent use.
type Ledger struct{ acks *acked.Record }

// NewLedger makes an empty ledger.
func NewLedger() *Ledger { return &Ledger{acked.New(memory)} }

// required is the lowest version that a read of the entity, sent to target at the time, may show; 0 when there was no mutation. since is when that version
// was acknowledged, as far as it is remembered. announced is what it may miss because the answer to the mutation said so; 0: nothing.
func (l *Ledger) required(target int, entity []byte, sent time.Time) (need int64, since time.Time, announced int64) {
	return l.acks.Required(entity, func(a acked.Ack) acked.Due {
		switch {
		case a.Target == target && !sent.Before(a.At):
			return acked.Owed
		case a.Target == target || sent.Before(a.At.Add(Grace)):
			return acked.NotYet
		case !a.Logged && sent.Before(a.At.Add(LateGrace)):
			return acked.Excused
		}
		return acked.Owed
	})
}

// Stale is one entity in an answer that was older than it had to be.
type Stale struct {
	Target     int
	Entity     string
	Read, Need int64
	Sent       time.Time
	Late       time.Duration // from the acknowledgement of Need to Sent
	Announced  bool          // the answer to the mutation had said that others may not know of it yet: no defect
}

// Check reads every `"id":"X","revision":N` of an answer and returns how many entities it saw; each stale one is handed to report.
func (l *Ledger) Check(target int, body []byte, sent time.Time, report func(Stale)) (entities int) {
	acked.Versions(body, func(id []byte, version int64) {
		entities++
		need, since, announced := l.required(target, id, sent)
		switch {
		case version < need:
			report(Stale{Target: target, Entity: string(id), Read: version, Need: need, Sent: sent, Late: sent.Sub(since)})
		case version < announced:
			report(Stale{Target: target, Entity: string(id), Read: version, Need: announced, Sent: sent, Announced: true})
		}
	})
	return entities
}

// AcknowledgeAnswer notes every version in a mutation's answer that arrived at the time through target; logged, without a word that the log does not have
// it yet.
func (l *Ledger) AcknowledgeAnswer(target int, body []byte, at time.Time, logged bool) {
	acked.Versions(body, func(id []byte, version int64) {
		l.acks.Add(id, acked.Ack{Target: target, Version: version, At: at, Logged: logged})
	})
}

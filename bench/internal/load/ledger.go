package load

import (
	"bytes"
	"strconv"
	"sync"
	"time"
)

// Grace is the time after an acknowledged mutation within which other sidecars may still show the old version.
const Grace = 200 * time.Millisecond

// LateGrace is the same for a mutation whose answer said that the fleet's log did not have it yet (Cache-Status: detail=not-logged): a log that can be reached
// gets it within a few attempts, and a sidecar that cannot reach it trusts nothing for longer.
const LateGrace = 10500 * time.Millisecond

const (
	shards = 64
	// memory of single acknowledgements; older ones are folded into one floor. It must exceed the longest read plus Grace.
	memory = 30 * time.Second
)

// Ledger knows, for each entity, which version a read must show at least. A mutation is acknowledged through one target when its answer has arrived: from
// then on that target must show its version, and every other target after Grace, or after LateGrace where the answer said so. It is safe for concurrent use.
type Ledger struct {
	shard [shards]struct {
		sync.Mutex
		entities map[string]*acknowledged
	}
}

type acknowledged struct {
	floor  int64 // every target must show it
	recent []acknowledgement
}

type acknowledgement struct {
	target  int
	version int64
	at      time.Time
	logged  bool // the answer did not say that others may not know of it yet
}

// NewLedger makes an empty ledger.
func NewLedger() *Ledger { return &Ledger{} }

func (l *Ledger) of(entity []byte) (mu *sync.Mutex, entities map[string]*acknowledged) {
	h := uint32(2166136261)
	for _, b := range entity {
		h = (h ^ uint32(b)) * 16777619
	}
	s := &l.shard[h%shards]
	s.Lock()
	if s.entities == nil {
		s.entities = map[string]*acknowledged{}
	}
	return &s.Mutex, s.entities
}

// Acknowledge notes that a mutation through target was answered at the time with this version of the entity; logged, without a word that the log does not
// have it yet.
func (l *Ledger) Acknowledge(target int, entity []byte, version int64, at time.Time, logged bool) {
	mu, entities := l.of(entity)
	defer mu.Unlock()
	a := entities[string(entity)]
	if a == nil {
		a = &acknowledged{}
		entities[string(entity)] = a
	}
	kept := a.recent[:0]
	for _, r := range a.recent {
		if at.Sub(r.at) < memory {
			kept = append(kept, r)
		} else {
			a.floor = max(a.floor, r.version)
		}
	}
	a.recent = append(kept, acknowledgement{target, version, at, logged})
}

// Required is the lowest version that a read of the entity, sent to target at the time, may show; 0 when there was no mutation. since is when that version
// was acknowledged, as far as it is remembered. announced is what it may miss because the answer to the mutation said so; 0: nothing.
func (l *Ledger) Required(target int, entity []byte, sent time.Time) (need int64, since time.Time, announced int64) {
	mu, entities := l.of(entity)
	defer mu.Unlock()
	a := entities[string(entity)]
	if a == nil {
		return 0, since, 0
	}
	need = a.floor
	for _, r := range a.recent {
		due, said := r.at, r.at
		if r.target != target {
			said = due.Add(Grace)
			if due = said; !r.logged {
				due = r.at.Add(LateGrace)
			}
		}
		switch {
		case sent.Before(said):
		case sent.Before(due):
			announced = max(announced, r.version)
		case r.version > need:
			need, since = r.version, r.at
		}
	}
	return need, since, announced
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
	versions(body, func(id []byte, version int64) {
		entities++
		need, since, announced := l.Required(target, id, sent)
		switch {
		case version < need:
			report(Stale{Target: target, Entity: string(id), Read: version, Need: need, Sent: sent, Late: sent.Sub(since)})
		case version < announced:
			report(Stale{Target: target, Entity: string(id), Read: version, Need: announced, Sent: sent, Announced: true})
		}
	})
	return entities
}

// AcknowledgeAnswer notes every version in a mutation's answer.
func (l *Ledger) AcknowledgeAnswer(target int, body []byte, at time.Time, logged bool) {
	versions(body, func(id []byte, version int64) { l.Acknowledge(target, id, version, at, logged) })
}

// versions finds the entities of an answer. JSON white space between the tokens is not expected: the origin writes none and a sidecar changes no body.
func versions(body []byte, f func(id []byte, version int64)) {
	const idKey, revisionKey = `"id":"`, `","revision":`
	for {
		i := bytes.Index(body, []byte(idKey))
		if i < 0 {
			return
		}
		body = body[i+len(idKey):]
		end := bytes.IndexByte(body, '"')
		if end < 0 {
			return
		}
		rest, ok := bytes.CutPrefix(body[end:], []byte(revisionKey))
		if !ok {
			body = body[end:]
			continue
		}
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		if n, err := strconv.ParseInt(string(rest[:digits]), 10, 64); err == nil {
			f(body[:end], n)
		}
		body = rest[digits:]
	}
}

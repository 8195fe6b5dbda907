package acked

import (
	"sync"
	"time"
)

// Ack is one mutation's answer.
type Ack struct {
	Target  int // index of the sidecar that gave it
	Version int64
	At      time.Time // when it had arrived
	Logged  bool      // it did not say that the fleet's log does not have the change yet (Cache-Status: detail=not-logged)
}

// Due is what a judge says of one acknowledgement and one read.
type Due uint8

const (
	// NotYet: the read need not show it.
	NotYet Due = iota
	// Excused: the read may miss it, for a reason that is worth counting.
	Excused
	// Owed: the read must show it.
	Owed
)

const shards = 64

// Record holds the acknowledgements by entity. It is safe for concurrent use; every answer of a load asks it, so it is sharded.
type Record struct {
	memory time.Duration
	shard  [shards]struct {
		sync.Mutex
		entities map[string]*entity
	}
}

type entity struct {
	floor  int64 // every read must show it
	recent []Ack
}

// New makes an empty record. Acknowledgements older than memory, at the time of a newer one of the same entity, become a floor that every read must show:
// memory has to exceed every time that a judge excuses.
func New(memory time.Duration) *Record { return &Record{memory: memory} }

func (r *Record) lock(id []byte) (*sync.Mutex, map[string]*entity) {
	h := uint32(2166136261) // FNV-1a
	for _, b := range id {
		h = (h ^ uint32(b)) * 16777619
	}
	s := &r.shard[h%shards]
	s.Lock()
	if s.entities == nil {
		s.entities = map[string]*entity{}
	}
	return &s.Mutex, s.entities
}

// Add notes an acknowledgement of the entity; id is copied.
func (r *Record) Add(id []byte, a Ack) {
	mu, all := r.lock(id)
	defer mu.Unlock()
	e := all[string(id)]
	if e == nil {
		e = &entity{}
		all[string(id)] = e
	}
	kept := e.recent[:0]
	for _, old := range e.recent {
		if a.At.Sub(old.At) < r.memory {
			kept = append(kept, old)
		} else {
			e.floor = max(e.floor, old.Version)
		}
	}
	e.recent = append(kept, a)
}

// Required is the lowest version of the entity that a read may show, 0 when there was no mutation; since is when it was acknowledged, as far as that is
// remembered; excused is the highest version that it may miss for a reason. judge is asked for each acknowledgement that is remembered, under a lock.
func (r *Record) Required(id []byte, judge func(Ack) Due) (need int64, since time.Time, excused int64) {
	mu, all := r.lock(id)
	defer mu.Unlock()
	e := all[string(id)]
	if e == nil {
		return 0, since, 0
	}
	need = e.floor
	for _, a := range e.recent {
		switch judge(a) {
		case NotYet:
		case Excused:
			excused = max(excused, a.Version)
		case Owed:
			if a.Version > need {
				need, since = a.Version, a.At
			}
		}
	}
	return need, since, excused
}

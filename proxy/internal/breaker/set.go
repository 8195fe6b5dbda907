package breaker

import (
	"sync"
	"sync/atomic"
)

// maxBreakers bounds a Set: with transparent listeners destinations are what clients choose.
const maxBreakers = 4096

// Set holds the breakers of a process, by destination. The zero Set is empty and ready for use.
type Set struct {
	all sync.Map // string → *Breaker
	n   atomic.Int64
}

// Of returns the destination's breaker, which is made when there is none; nil, always closed, when there are too many.
func (s *Set) Of(destination string) *Breaker {
	if b, ok := s.all.Load(destination); ok {
		return b.(*Breaker)
	}
	if s.n.Load() >= maxBreakers {
		return nil
	}
	b, had := s.all.LoadOrStore(destination, New())
	if !had {
		s.n.Add(1)
	}
	return b.(*Breaker)
}

// Stats returns, by the name of the state, how many breakers are in it, and how often one came into it.
func (s *Set) Stats() (now, entered map[string]uint64) {
	now, entered = make(map[string]uint64, states), make(map[string]uint64, states)
	for i := range states {
		now[i.String()], entered[i.String()] = 0, 0
	}
	s.all.Range(func(_, v any) bool {
		b := v.(*Breaker)
		now[b.State().String()]++
		for i := range b.entered {
			entered[State(i).String()] += b.entered[i].Load()
		}
		return true
	})
	return now, entered
}

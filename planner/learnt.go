package planner

import (
	"slices"
	"sync"
)

// Bounds of what is learnt of one operation.
const (
	maxLearntHeaders = 8
	// MaxVariants is how many variants of an operation by learnt headers are kept at a time; LearntFor, in nanoseconds, for how long they
	// and the rest of what was learnt count.
	MaxVariants = 64
	LearntFor   = int64(10 * 60 * 1e9)
)

// Learnt is what answers to an operation have taught that its document does not tell. It is immutable but for the count of variants. A plan
// that is built anew has learnt nothing: then the first answer teaches it again.
type Learnt struct {
	// Vary are request headers that the answer differs by, in lower case, sorted.
	Vary []string
	// Private: an answer to credentials was for one user, though it was looked up for more.
	Private bool
	until   int64 // unix ns, of Private

	mu       sync.Mutex
	variants map[uint64]struct{}
	began    int64
}

// Learnt returns what was learnt of the operation, nil for nothing.
func (p *Plan) Learnt() *Learnt { return p.learnt.Load() }

// LearnVary adds request headers that the answer differs by. It reports whether they are all known now: there is a bound.
func (p *Plan) LearnVary(headers []string) bool {
	for {
		old := p.learnt.Load()
		next := &Learnt{}
		if old != nil {
			next.Vary, next.Private, next.until = old.Vary, old.Private, old.until
		}
		next.Vary = slices.Concat(next.Vary, headers)
		slices.Sort(next.Vary)
		next.Vary = slices.Compact(next.Vary)
		if len(next.Vary) > maxLearntHeaders {
			return false
		}
		if old != nil && len(next.Vary) == len(old.Vary) || p.learnt.CompareAndSwap(old, next) {
			return true
		}
	}
}

// LearnPrivate notes at unix ns now that an answer was for one user.
func (p *Plan) LearnPrivate(now int64) {
	for {
		old := p.learnt.Load()
		if old != nil && old.Private && old.until > now+LearntFor/2 {
			return
		}
		next := &Learnt{Private: true, until: now + LearntFor}
		if old != nil {
			next.Vary = old.Vary
		}
		if p.learnt.CompareAndSwap(old, next) {
			return
		}
	}
}

// PrivateAt reports whether the operation counts as private at unix ns now. A nil Learnt does not.
func (l *Learnt) PrivateAt(now int64) bool { return l != nil && l.Private && now < l.until }

// Admit reports whether one more variant, told by a hash of the learnt headers' values, may be kept: clients choose those values, and one
// must not push everything out by inventing them.
func (l *Learnt) Admit(variant uint64, now int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.variants == nil || now-l.began > LearntFor {
		l.variants, l.began = map[uint64]struct{}{}, now
	}
	if _, known := l.variants[variant]; known {
		return true
	}
	if len(l.variants) >= MaxVariants {
		return false
	}
	l.variants[variant] = struct{}{}
	return true
}

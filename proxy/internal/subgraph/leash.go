package subgraph

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Leash ends the calls that are made for a client when it leaves. The zero Leash is ready for use; a nil one holds nothing.
type Leash struct {
	mu   sync.Mutex
	left bool
	held []Interruptible
}

// Interruptible is what a leash holds: a deadline that has passed ends it.
type Interruptible interface{ SetDeadline(t time.Time) error }

var errLeft = errors.New("the client has left")

// Busy reports whether there is something to end.
func (l *Leash) Busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held) > 0
}

// Reset makes the leash that of another client; nothing may be held.
func (l *Leash) Reset() { l.left, l.held = false, l.held[:0] }

// Leave ends what is held now, and all that would be held later at once.
func (l *Leash) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = true
	for _, h := range l.held {
		_ = h.SetDeadline(time.Unix(1, 0))
	}
}

// Hold makes h one of what ends when the client leaves. It reports false when the client has left.
func (l *Leash) Hold(h Interruptible) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left {
		return false
	}
	l.held = append(l.held, h)
	return true
}

// Let makes it no longer one.
func (l *Leash) Let(h Interruptible) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.held, h); i >= 0 {
		l.held = slices.Delete(l.held, i, i+1)
	}
}

func (l *Leash) isLeft() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}

// waiting is a context as something that is held.
type waiting struct{ cancel context.CancelFunc }

func (w *waiting) SetDeadline(time.Time) error {
	w.cancel()
	return nil
}

// bound returns a context that ends at the deadline and when the client leaves; end is to be called after it.
func (l *Leash) bound(parent context.Context, deadline time.Time) (ctx context.Context, end func()) {
	ctx, cancel := context.WithDeadline(parent, deadline)
	if l == nil {
		return ctx, cancel
	}
	w := &waiting{cancel}
	if !l.Hold(w) {
		cancel()
	}
	return ctx, func() {
		l.Let(w)
		cancel()
	}
}

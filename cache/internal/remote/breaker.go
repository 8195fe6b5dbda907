package remote

import (
	"sync"
	"time"
)

const (
	breakAfter = 5 // failures in a row
	breakFor   = int64(time.Second)
)

// breaker keeps requests from waiting for a Redis that does not answer: after some failures in a row it lets one through per second.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    int64 // unix ns; open before it
	probing  bool
}

// allow reports whether a call may be made at unix ns now; its outcome must be told.
func (b *breaker) allow(now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < breakAfter:
		return true
	case now < b.until || b.probing:
		return false
	}
	b.probing = true
	return true
}

// release gives an allowed call back whose outcome says nothing.
func (b *breaker) release() {
	b.mu.Lock()
	b.probing = false
	b.mu.Unlock()
}

func (b *breaker) tell(ok bool, now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if ok {
		b.failures = 0
		return
	}
	b.failures++
	b.until = now + breakFor
}

func (b *breaker) state(now int64) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < breakAfter:
		return "closed"
	case now < b.until:
		return "open"
	}
	return "half-open"
}

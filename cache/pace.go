package cache

import (
	"context"
	"time"
)

// pace is the time in which callers wait for each other.
type pace interface {
	// Now is in ns from any moment on, and never goes back.
	Now() int64
	// Timer tells when d is over, beside whatever else a caller waits for.
	Timer(ctx context.Context, d time.Duration) *time.Timer
	// Sleep waits for d, and reports whether the caller still waits.
	Sleep(ctx context.Context, d time.Duration) bool
}

// wall is the pace of a process, from its begin on.
type wall struct{ begun time.Time }

func (w wall) Now() int64 { return int64(time.Since(w.begun)) }

func (wall) Timer(_ context.Context, d time.Duration) *time.Timer { return time.NewTimer(d) }

func (wall) Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

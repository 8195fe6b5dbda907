package lapse

import (
	"context"
	"time"
)

// Wait waits for d, or until ctx ends: then it returns why.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

package redistest

import (
	"testing"
	"time"
)

// Patience is how long tests wait for what must happen soon; a busy machine is slow.
const Patience = 20 * time.Second

// Until fails the test when the condition does not come true within the deadline. It returns how long that took.
func Until(t testing.TB, what string, deadline time.Duration, condition func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	if condition() {
		return time.Since(start)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if condition() {
			return time.Since(start)
		}
		if time.Since(start) > deadline {
			t.Fatalf("not within %v: %s", deadline, what)
		}
	}
	return 0
}

package telemetry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A sidecar without requests does not wake up. The first request after a rest begins a new span: what the process used in the rest is nobody's.
func TestCPUIsMeasuredWhileThereAreRequestsAndRestsOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry(t, Config{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = tel.Run(ctx) }()
		state := func() (rests bool, requests int64) { // nothing runs in between
			synctest.Wait()
			return tel.cpu.rests.Load(), tel.cpu.seen.Load()
		}
		for round := int64(1); round <= 3; round++ {
			time.Sleep(time.Hour)
			if rests, _ := state(); !rests {
				t.Fatalf("round %d: an hour without a request, and it does not rest", round)
			}
			for range 10 {
				tel.Emit(record(tel, 1))
			}
			if rests, seen := state(); rests || seen != 20*round-10 {
				t.Fatalf("round %d: requests came, and it rests: %v; the span begins with request %d", round, rests, seen)
			}
			for range 10 {
				tel.Emit(record(tel, 1))
			}
			time.Sleep(housekeeping + time.Millisecond)
			if rests, seen := state(); rests || seen != tel.cpu.requests.Load() {
				t.Fatalf("round %d: %d of %d requests are in a span, it rests: %v", round, seen, tel.cpu.requests.Load(), rests)
			}
		}
		cancel()
		<-ended
	})
}

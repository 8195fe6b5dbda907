package telemetry

import (
	"context"
	"sync/atomic"
	"syscall"
	"time"
)

// cpuShare divides the CPU time of the process among its requests. Go does not tell the CPU time of one goroutine, and wall time would
// charge for waiting.
type cpuShare struct {
	requests   atomic.Int64
	perRequest atomic.Int64 // µs
}

// housekeeping is how often what nobody waits for is done: a sidecar with nothing to do shall hardly wake up.
const housekeeping = 2 * time.Second

// run measures every two seconds until ctx ends.
func (c *cpuShare) run(ctx context.Context) {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	used, seen := processCPU(), c.requests.Load()
	smooth := 0.0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		u, n := processCPU(), c.requests.Load()
		if n-seen >= 10 { // fewer say nothing: the rest of the process would be charged to them
			v := float64(u-used) / float64(n-seen)
			if smooth == 0 {
				smooth = v
			}
			smooth += 0.5 * (v - smooth)
			c.perRequest.Store(int64(smooth + 0.5))
		}
		used, seen = u, n
	}
}

// processCPU is the CPU time of the process so far, µs.
func processCPU() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return (r.Utime.Sec+r.Stime.Sec)*1e6 + r.Utime.Usec + r.Stime.Usec
}

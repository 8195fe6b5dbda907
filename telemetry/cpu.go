package telemetry

import (
	"sync/atomic"
	"syscall"
)

// cpuShare divides the CPU time of the process among its requests. Go does not tell the CPU time of one goroutine, and wall time would
// charge for waiting.
type cpuShare struct {
	requests   atomic.Int64
	perRequest atomic.Int64 // µs
	rests      atomic.Bool  // nothing is measured until a request comes

	used   int64        // CPU time, µs, as of the last measurement
	seen   atomic.Int64 // requests, likewise; only tests read it elsewhere
	smooth float64      // CPU time of a request, µs
}

// begin measures from now on.
func (c *cpuShare) begin() {
	c.used = processCPU()
	c.seen.Store(c.requests.Load())
}

// measure takes what was used since the last time, and reports whether there is more to measure: without any request it rests.
func (c *cpuShare) measure() (more bool) {
	used, seen := c.used, c.seen.Load()
	c.begin()
	n := c.seen.Load() - seen
	if n >= 10 { // fewer say nothing: the rest of the process would be charged to them
		v := float64(c.used-used) / float64(n)
		if c.smooth == 0 {
			c.smooth = v
		}
		c.smooth += 0.5 * (v - c.smooth)
		c.perRequest.Store(int64(c.smooth + 0.5))
	}
	if n != 0 {
		return true
	}
	c.rests.Store(true)
	return c.requests.Load() != seen && c.rests.CompareAndSwap(true, false) // one came just now, and has not woken it
}

// request counts one, and reports whether it is the first after a rest.
func (c *cpuShare) request() (woke bool) {
	c.requests.Add(1)
	return c.rests.Load() && c.rests.CompareAndSwap(true, false)
}

// processCPU is the CPU time of the process so far, µs.
func processCPU() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return (r.Utime.Sec+r.Stime.Sec)*1e6 + r.Utime.Usec + r.Stime.Usec
}

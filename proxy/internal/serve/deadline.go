package serve

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/weirproxy/weir/proxy/internal/policy"
)

// phase is what a request pump waits for. Deadlines cost the hot path two atomic stores: one goroutine looks at all connections.
type phase uint32

const (
	phaseBusy  phase = iota // nothing that has a deadline
	phaseIdle               // the first byte of a request
	phaseHead               // the rest of a head
	phaseBody               // the rest of a body
	phaseWrite              // the client to read; kept apart, see conn.writing
	phases
)

var phaseNames = [phases]string{"busy", "idle", "head", "body", "write"}

// The ladder of memory pressure.
const (
	pressureLean   = 1 + iota // 85 %: bodies are no longer held to be read, answers are not captured
	pressureIdle              // 92 %: idle connections are closed
	pressureRefuse            // 95 %: new connections get 503
)

// How often deadlines are looked at, and how often at least while nothing happens: a sidecar that has nothing to do shall not wake up for it.
const (
	sweepEvery = 125 * time.Millisecond
	restEvery  = 10 * time.Second
	sweepTicks = 4 // of the clock between two looks
)

// watch keeps the coarse clock, measures memory and ends what takes too long.
func (s *Server) watch() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	limit := s.cfg.MemoryLimit
	if limit <= 0 {
		limit = debug.SetMemoryLimit(-1)
	}
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for n := 0; ; n++ {
		select {
		case <-s.ctx.Done():
			return
		case <-s.busy:
			tick.Reset(sweepEvery)
			continue
		case now := <-tick.C:
			s.clock.Store(now.UnixNano())
		}
		rests := s.resting.Load()
		if n%sweepTicks != 0 && !rests {
			continue
		}
		if limit != math.MaxInt64 {
			metrics.Read(samples)
			s.pressure.Store(ladder(int64(samples[0].Value.Uint64()-samples[1].Value.Uint64()), limit))
		}
		s.spares.sweep(time.Now())
		due := s.sweep()
		switch {
		case s.pressure.Load() > 0: // what refuses connections shall not be believed for long
			due = 0
		case due > 0 && !rests: // who began something meanwhile did not see that it rests, and is seen now
			s.resting.Store(true)
			due = s.sweep()
		}
		if due > 0 {
			tick.Reset(max(due, sweepEvery))
		} else if s.resting.Load() {
			s.stir()
		}
	}
}

// now is the coarse time, unix ns. Who asks for it has begun something: the watch rests no longer.
func (s *Server) now() int64 {
	if s.resting.Load() {
		s.stir()
	}
	return s.clock.Load()
}

// stir ends a rest of the watch.
func (s *Server) stir() {
	s.clock.Store(time.Now().UnixNano())
	if s.resting.CompareAndSwap(true, false) {
		select {
		case s.busy <- struct{}{}:
		default:
		}
	}
}

func ladder(used, limit int64) int32 {
	switch percent := used * 100 / max(limit, 1); {
	case percent >= 95:
		return pressureRefuse
	case percent >= 92:
		return pressureIdle
	case percent >= 85:
		return pressureLean
	}
	return 0
}

// sweep ends connections whose phase has lasted too long. It returns when something may be due again if nothing happens until then, 0 while something does.
func (s *Server) sweep() (due time.Duration) {
	now, d := s.clock.Load(), s.cfg.Policy().Deadlines
	crowded := s.pressure.Load() >= pressureIdle
	due = restEvery
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		due = min(due, c.sweep(now, &d, crowded))
	}
	return due
}

func (c *conn) sweep(now int64, d *policy.Deadlines, crowded bool) (due time.Duration) {
	if since := c.writing.Load(); since != 0 {
		if over(now, since, d.Write) {
			c.s.stats.timeouts[phaseWrite].Add(1)
			c.abort()
		}
		return 0
	}
	if c.leash.Busy() && left(c.client) {
		c.s.stats.left.Add(1)
		c.leash.Leave()
	}
	since := c.since.Load()
	switch phase(c.phase.Load()) {
	case phaseIdle:
		looked := c.lookAfter(now, since)
		// With an upstream connection the origin decides how long an idle connection lives.
		limited := d.Idle > 0 && !c.connected.Load()
		switch {
		case crowded || limited && over(now, since, d.Idle):
			c.expire(phaseIdle)
		case !looked:
		case limited:
			return max(1, d.Idle-time.Duration(now-since))
		default:
			return restEvery
		}
	case phaseHead:
		if over(now, since, d.Head) {
			c.expire(phaseHead)
		}
	case phaseBody:
		if over(now, since, d.Body) {
			c.expire(phaseBody)
		}
	}
	return 0
}

func over(now, since int64, limit time.Duration) bool { return limit > 0 && now-since > int64(limit) }

// expire wakes the request pump out of its read.
func (c *conn) expire(p phase) {
	if c.expired.CompareAndSwap(0, uint32(p)) {
		c.s.stats.timeouts[p].Add(1)
		_ = c.client.SetReadDeadline(time.Unix(1, 0))
	}
}

// enter says what the request pump waits for from now on.
func (c *conn) enter(p phase) {
	c.since.Store(c.s.now())
	c.phase.Store(uint32(p))
}

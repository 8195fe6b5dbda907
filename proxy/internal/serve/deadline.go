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

// How often deadlines are looked at, and how often without a connection: a sidecar that has nothing to do shall not wake up for it.
const (
	sweepEvery = 125 * time.Millisecond
	restEvery  = 2 * time.Second
	sweepTicks = 4 // of the clock between two looks
)

// watch keeps the coarse clock, measures memory and ends what takes too long.
func (s *Server) watch() {
	tick := time.NewTicker(restEvery)
	defer tick.Stop()
	limit := s.cfg.MemoryLimit
	if limit <= 0 {
		limit = debug.SetMemoryLimit(-1)
	}
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	resting := true
	for n := 0; ; n++ {
		select {
		case <-s.ctx.Done():
			return
		case <-s.busy:
			resting = false
			tick.Reset(sweepEvery)
			continue
		case now := <-tick.C:
			s.clock.Store(now.UnixNano())
		}
		if n%sweepTicks != 0 && !resting {
			continue
		}
		if limit != math.MaxInt64 {
			metrics.Read(samples)
			s.pressure.Store(ladder(int64(samples[0].Value.Uint64()-samples[1].Value.Uint64()), limit))
		}
		s.spares.sweep(time.Now())
		if s.sweep() == 0 && !resting {
			resting = true
			tick.Reset(restEvery)
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

// sweep ends connections whose phase has lasted too long, and returns how many there are.
func (s *Server) sweep() int {
	now, d := s.clock.Load(), s.cfg.Policy().Deadlines
	crowded := s.pressure.Load() >= pressureIdle
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.sweep(now, &d, crowded)
	}
	return len(s.conns)
}

func (c *conn) sweep(now int64, d *policy.Deadlines, crowded bool) {
	if since := c.writing.Load(); since != 0 && over(now, since, d.Write) {
		c.s.stats.timeouts[phaseWrite].Add(1)
		c.abort()
		return
	}
	if c.leash.Busy() && left(c.client) {
		c.s.stats.left.Add(1)
		c.leash.Leave()
	}
	since := c.since.Load()
	switch phase(c.phase.Load()) {
	case phaseIdle:
		c.lookAfter(now, since)
		// With an upstream connection the origin decides how long an idle connection lives.
		if crowded || (!c.connected.Load() && over(now, since, d.Idle)) {
			c.expire(phaseIdle)
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
	c.since.Store(c.s.clock.Load())
	c.phase.Store(uint32(p))
}

package coherence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/origin"
)

const (
	streamKey = "{weir}:inv"
	slow      = 2 * time.Millisecond  // of each answer of Redis: in time for a mutation's answer, so that all sidecars are bound by it
	slower    = 30 * time.Millisecond // too late for that: the answer says so
)

// act is what happens to Redis in one scene.
type act struct {
	name string
	run  func(*play, context.Context) error
}

// play is a fleet whose Redis is hurt.
type play struct {
	*stage
	master *server
}

func acts() []act {
	return []act{
		{"all is well", func(p *play, ctx context.Context) error { return lapse.Wait(ctx, p.cfg.Calm) }},
		{"Redis killed, started again empty", (*play).killed},
		{"Redis frozen (SIGSTOP)", (*play).frozen},
		{"Redis slow (2 ms an answer)", func(p *play, ctx context.Context) error { return p.slowed(ctx, slow) }},
		{"Redis slow (30 ms an answer)", func(p *play, ctx context.Context) error { return p.slowed(ctx, slower) }},
		{"failover to an empty server", (*play).toEmpty},
		{"failover to a replica that lags", (*play).toReplica},
		{"stream trimmed again and again", (*play).trimmed},
		{"clock of Redis moved forth and back", (*play).clockMoved},
		{"one sidecar cut off from Redis", (*play).partitioned},
		{"the origin's replicas lag by 0.9 s", (*play).lagging},
	}
}

// without runs f in an outage of the named sidecars (nil: all) and ends it when all have the log again; renewed: another generation of it.
func (p *play) without(ctx context.Context, cut []int, renewed bool, f func() error) error {
	var before []float64
	var err error
	if renewed {
		if before, err = p.generations(ctx); err != nil {
			return err
		}
	}
	mask := make([]bool, len(p.sidecars))
	for i := range mask {
		mask[i] = cut == nil
	}
	for _, i := range cut {
		mask[i] = true
	}
	end := p.source.promise.begin(mask)
	if err := f(); err != nil {
		return err
	}
	if err := p.together(ctx, before); err != nil {
		return err
	}
	end()
	return lapse.Wait(ctx, p.cfg.Calm/4)
}

func (p *play) turn(to *server) {
	for _, r := range p.relays {
		r.turn(to.address)
	}
	p.master = to
}

func (p *play) killed(ctx context.Context) error {
	return p.without(ctx, nil, true, func() (err error) {
		if err := p.master.Kill(); err != nil {
			return err
		}
		if err := lapse.Wait(ctx, p.cfg.Outage); err != nil {
			return err
		}
		p.master, err = p.redis(ctx, p.master.address)
		return err
	})
}

func (p *play) frozen(ctx context.Context) error {
	return p.without(ctx, nil, false, func() error {
		if err := p.master.Freeze(); err != nil {
			return err
		}
		waited := lapse.Wait(ctx, p.cfg.Outage)
		if err := p.master.Thaw(); err != nil {
			return err
		}
		return waited
	})
}

// slowed is no outage: all terms hold.
func (p *play) slowed(ctx context.Context, by time.Duration) error {
	for _, r := range p.relays {
		r.delay.Store(int64(by))
	}
	err := lapse.Wait(ctx, p.cfg.Calm)
	for _, r := range p.relays {
		r.delay.Store(0)
	}
	return err
}

func (p *play) toEmpty(ctx context.Context) error {
	next, err := p.redis(ctx, "")
	if err != nil {
		return err
	}
	return p.without(ctx, nil, true, func() error {
		if err := p.master.Kill(); err != nil {
			return err
		}
		p.turn(next)
		return nil
	})
}

// toReplica loses acknowledged invalidations: the replica stops following a second before it takes over.
func (p *play) toReplica(ctx context.Context) error {
	link, err := newRelay(loopback, p.master.address)
	if err != nil {
		return err
	}
	defer link.stop() //nolint:errcheck // nothing is lost with it
	replica, err := p.redis(ctx, "", "--repl-diskless-sync-delay", "0")
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(link.address())
	if err != nil {
		return err
	}
	if _, err := replica.do("REPLICAOF", host, port); err != nil {
		return err
	}
	if err := until(ctx, "the replica follows", backTime, func() (bool, error) {
		role, err := replica.do("ROLE")
		return err == nil && len(role) > 3 && role[3] == "connected", err
	}); err != nil {
		return err
	}
	if err := lapse.Wait(ctx, p.cfg.Calm/4); err != nil {
		return err
	}
	link.cut.Store(true)
	link.drop()
	if err := lapse.Wait(ctx, time.Second); err != nil {
		return err
	}
	return p.without(ctx, nil, true, func() error {
		if err := p.master.Kill(); err != nil {
			return err
		}
		if _, err := replica.do("REPLICAOF", "NO", "ONE"); err != nil {
			return err
		}
		p.turn(replica)
		return nil
	})
}

// trimmed is no outage: all terms hold, whatever is lost from the stream.
func (p *play) trimmed(ctx context.Context) error {
	end := time.Now().Add(p.cfg.Calm)
	for i := 0; time.Now().Before(end); i++ {
		if _, err := p.master.do("XTRIM", streamKey, "MAXLEN", strconv.Itoa([]int{0, 1, 5}[i%3])); err != nil {
			return err
		}
		if i%4 == 3 { // somebody reads again after a pause
			p.relays[rand.IntN(len(p.relays))].drop()
		}
		if err := lapse.Wait(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// clockMoved lets a server take over whose stream lies an hour in the future, and then one whose clock is right: for those who have read the first, its
// positions lie in the past. A server's own clock cannot be moved without the whole machine's.
func (p *play) clockMoved(ctx context.Context) error {
	for _, ahead := range []time.Duration{time.Hour, 0} {
		next, err := p.redis(ctx, "")
		if err != nil {
			return err
		}
		if ahead > 0 {
			id := strconv.FormatInt(time.Now().Add(ahead).UnixMilli(), 10) + "-0"
			if _, err := next.do("XADD", streamKey, id, "t", "of the future"); err != nil {
				return err
			}
		}
		if err := p.without(ctx, nil, true, func() error {
			old := p.master
			p.turn(next)
			return old.Kill()
		}); err != nil {
			return err
		}
		if err := lapse.Wait(ctx, p.cfg.Calm/4); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) partitioned(ctx context.Context) error {
	last := len(p.sidecars) - 1
	return p.without(ctx, []int{last}, false, func() error {
		relay := p.relays[last]
		cut := func() error { relay.cut.Store(true); relay.drop(); return nil }
		mend := func() error { relay.cut.Store(false); return nil }
		if p.space != nil {
			cut, mend = p.space.partition, p.space.mend
		}
		if err := cut(); err != nil {
			return err
		}
		waited := lapse.Wait(ctx, p.cfg.Outage)
		if v, err := p.metric(ctx, last, "weir_redis_connected"); err == nil && v != 0 && waited == nil {
			waited = fmt.Errorf("%s says that it has the log, %s after it was cut off", p.sidecars[last].Name, p.cfg.Outage)
		}
		if err := mend(); err != nil {
			return err
		}
		return waited
	})
}

// lagging lets the origin's reads show what was true 0.9 s ago; some answers take their time too. All terms are later by what hold-off allows.
func (p *play) lagging(ctx context.Context) error {
	p.source.promise.lag(HeldOff)
	p.origin.SetLag(replicaLag)
	if err := p.origin.SetFaults(origin.Faults{Rules: []string{"slow-body=600@0.1#query"}}); err != nil {
		return err
	}
	if err := lapse.Wait(ctx, max(p.cfg.Calm, HeldOff+time.Second)); err != nil {
		return err
	}
	p.origin.SetLag(0)
	if err := p.origin.SetFaults(origin.Faults{}); err != nil {
		return err
	}
	defer p.source.promise.lag(0)
	return lapse.Wait(ctx, HeldOff)
}

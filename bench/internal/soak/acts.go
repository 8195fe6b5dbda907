package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

const (
	visitors       = 40 // connections of one wave of clients that come and go
	settleLimit    = 15 * time.Second
	settlePoll     = 20 * time.Millisecond
	outage         = 1500 * time.Millisecond
	actTime        = 40 * time.Second
	visitTime      = 5 * time.Second
	invalidateTime = 3 * time.Second
)

// act is a disturbance that returns again and again.
type act struct {
	name  string
	every float64 // in shares of the round
	run   func(context.Context) error
}

// play is what disturbs the stage.
type play struct {
	*stage
	runner *load.Runner
	cities []string
	say    func(string, ...any)

	away   outages // of Redis
	counts [6]atomic.Int64
	flip   bool

	mu     sync.Mutex
	failed []error
}

// faultsOfARound are what the origin does wrong all the time: a few of everything, spread by seed.
func faultsOfARound() origin.Faults {
	return origin.Faults{Rules: []string{
		"reset=before-head@0.002", "reset=mid-body@0.002", "slow-body=20000@0.002", "status=503@0.005", "error@0.005", "partial@0.005", "truncated-json@0.002", "bad-json@0.002",
		"http10@0.005", "close-delimited@0.01", "chunked=512@0.05", "delay=20ms@0.02",
	}}
}

// acts of the play; the shares tell how often each comes within a round.
func (p *play) acts() []act {
	return []act{
		{"clients come and go", 0.02, p.visit},
		{"invalidate by HTTP", 0.01, p.invalidate},
		{"reload by the control plane", 0.2, p.reload},
		{"stop the origin", 0.7, p.stopOrigin},
		{"restart Redis", 0.5, p.restartRedis},
		{"restart the broker", 0.4, p.restartKafka},
	}
}

// run plays each act on its own clock until ctx ends. What an act could not do is a defect of the run and kept.
func (p *play) run(ctx context.Context, round time.Duration) {
	var all sync.WaitGroup
	heavy := make(chan struct{}, 1) // one outage at a time
	for i, a := range p.acts() {
		all.Go(func() {
			tick := time.NewTicker(max(time.Duration(a.every*float64(round)), 100*time.Millisecond))
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				if a.every >= 0.4 {
					heavy <- struct{}{}
				}
				limited, cancel := context.WithTimeout(ctx, actTime)
				err := a.run(limited)
				cancel()
				if a.every >= 0.4 {
					<-heavy
				}
				if ctx.Err() != nil {
					return
				}
				p.counts[i].Add(1)
				if err != nil {
					p.say("%s: %v", a.name, err)
					p.mu.Lock()
					p.failed = append(p.failed, fmt.Errorf("%s: %w", a.name, err))
					p.mu.Unlock()
				}
			}
		})
	}
	all.Wait()
}

// visit opens connections, asks once over each, and closes them; every third leaves in the middle of its request.
func (p *play) visit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	var all sync.WaitGroup
	for i := range visitors {
		all.Go(func() {
			target := p.targets[i%len(p.targets)]
			if i%3 == 0 {
				leave(ctx, target)
				return
			}
			c := load.NewConn(target)
			defer c.Close()
			body := fmt.Appendf(nil, `{"query":"query Visit($id: ID!) { city(id: $id) { id revision name } }","variables":{"id":"%s"}}`, p.cities[rand.IntN(len(p.cities))])
			_, _ = c.Post(ctx, body, visitTime) // with the origin's faults any answer is right; the ledger judges the load's own
		})
	}
	all.Wait()
	return nil
}

// leave sends a part of a request and goes.
func leave(ctx context.Context, t load.Target) {
	var d net.Dialer
	c, err := d.DialContext(ctx, t.Network, t.Address)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"query\":", t.Path, t.Host)
	_ = c.Close()
}

func (p *play) invalidate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, invalidateTime)
	defer cancel()
	bodies := []string{
		fmt.Sprintf(`{"tags":["City:%s"]}`, p.cities[rand.IntN(len(p.cities))]), `{"types":["Stats"],"soft":true}`, fmt.Sprintf(`{"tags":["City:%s"],"soft":true}`, p.cities[rand.IntN(50)]),
		`{"prefixes":["Query.search"]}`,
	}
	begun := time.Now()
	_, err := scrape.Post(ctx, p.sidecars[rand.IntN(len(p.sidecars))].AdminURL()+"/cache/invalidate", []byte(bodies[rand.IntN(len(bodies))]))
	if p.away.within(begun) || p.away.within(time.Now()) { // it may come back between the last try and the answer
		return nil // without the log the answer is 503, and the sidecar obeys all the same
	}
	return err
}

// reload pushes the policy with one setting turned.
func (p *play) reload(ctx context.Context) error {
	p.flip = !p.flip
	file := filepath.Join(p.dir, "policy.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "policy:\n  expose: %t\n", p.flip), 0o644); err != nil {
		return err
	}
	_, err := p.control.Call(ctx, "apply", "-f", file, "--reason", "soak")
	return err
}

// stopOrigin takes the origin away for a moment; the sidecars answer from stale entries or with an error.
func (p *play) stopOrigin(ctx context.Context) error {
	p.runner.Excuse(true)
	defer p.runner.Excuse(false)
	if err := p.origin.Stop(); err != nil {
		return err
	}
	slept := lapse.Wait(ctx, outage)
	return errors.Join(p.origin.Start(), slept)
}

// restartRedis starts an empty Redis where the old one was. Until both sidecars are back with its log, what one was told the other cannot know. A Redis that had
// ended by itself is told, and started all the same.
func (p *play) restartRedis(ctx context.Context) error {
	p.away.begin(time.Now())
	defer func() { p.away.end(time.Now().Add(load.Grace)) }()
	ended := p.redis.Stop()
	slept := lapse.Wait(ctx, outage)
	if err := errors.Join(p.startRedis(ctx), slept); err != nil {
		return errors.Join(ended, err)
	}
	return errors.Join(ended, p.backWithTheLog(ctx))
}

// backWithTheLog waits for both sidecars.
func (p *play) backWithTheLog(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for {
		err := p.withTheLog(limited)
		if err == nil {
			return nil
		}
		if lapse.Wait(limited, settlePoll) != nil {
			return err
		}
	}
}

// withTheLog is nil when both sidecars have contact and nothing waits.
func (p *play) withTheLog(ctx context.Context) error {
	for _, s := range p.sidecars {
		m, err := s.Metrics(ctx)
		if err != nil {
			return err
		}
		connected, _ := m.Sum("weir_redis_connected")
		waiting, _ := m.Sum("weir_invalidations_waiting")
		if connected != 1 || waiting != 0 {
			return fmt.Errorf("%s: connected %g, %g invalidations wait", s.Name, connected, waiting)
		}
	}
	return nil
}

// restartKafka loses what the broker held, as one without a disk would. A broker that had ended by itself is told, and started all the same.
func (p *play) restartKafka(ctx context.Context) error {
	ended := p.kafka.Stop()
	slept := lapse.Wait(ctx, outage)
	return errors.Join(ended, p.startKafka(ctx), slept)
}

// outages are the spans in which Redis was away. It is safe for concurrent use.
type outages struct {
	mu    sync.Mutex
	spans [][2]time.Time // a zero end: still away
}

func (o *outages) begin(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.spans = append(o.spans, [2]time.Time{at})
}

func (o *outages) end(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.spans[len(o.spans)-1][1] = at
}

func (o *outages) within(at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.spans {
		if !at.Before(s[0]) && (s[1].IsZero() || at.Before(s[1])) {
			return true
		}
	}
	return false
}

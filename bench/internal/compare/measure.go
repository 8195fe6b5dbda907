package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/peer"
	"github.com/weirproxy/weir/bench/internal/reference"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	requestTimeout = 10 * time.Second
	warmPasses     = 10
	warmTime       = 2 * time.Second
	warmRequests   = 10_000
	pieceRequests  = 500 // a piece has at least so many
	pieceTries     = 40
	strays         = 0.001 // share of hits that may reach the upstream: entries are refreshed before they expire
)

// piece is what was measured of one server in a row.
type piece struct {
	micros   float64 // processor time per request
	p50, p99 float64 // µs
	busy     float64 // share of its thread that the generator used
}

func (p *piece) figure(f figure) float64 {
	switch f {
	case median:
		return p.p50
	case tail:
		return p.p99
	}
	return p.micros
}

// measure goes through all instances.
func (r *run) measure(ctx context.Context) error {
	clock := r.newProgress()
	for i := range r.cfg.Instances {
		clock.instance(i)
		if err := r.instance(ctx, i, clock); err != nil {
			return err
		}
	}
	return nil
}

// instance measures one set of fresh processes.
func (r *run) instance(ctx context.Context, i int, clock *progress) (err error) {
	s, err := newStage(r)
	if err != nil {
		return err
	}
	defer func() {
		if closed := s.close(); err == nil {
			err = closed
		}
	}()
	names := r.names()
	order := rand.New(rand.NewPCG(r.cfg.Seed, uint64(i)))
	order.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
	if err := s.start(ctx, names); err != nil {
		return err
	}
	for round := range r.cfg.Rounds {
		if err := s.round(ctx, order, i); err != nil {
			return err
		}
		r.roundsDone++
		clock.round(i, round)
	}
	for name, one := range s.servers {
		size, err := fleet.TreePSS(one.PID())
		if err != nil {
			return err
		}
		r.pss[name] = append(r.pss[name], size)
	}
	if i > 0 {
		return nil
	}
	began := time.Now()
	err = s.once(ctx)
	clock.once = time.Since(began)
	return err
}

// once measures what needs no repetition: heap and system calls.
func (s *stage) once(ctx context.Context) error {
	for _, h := range heaps {
		one := s.servers[h.name]
		if one == nil {
			continue
		}
		fmt.Fprintf(s.r.cfg.Progress, "heap of %s over %d requests\n", h.name, s.r.cfg.HeapRequests)
		use, err := s.heap(ctx, one, s.r.cfg.HeapRequests)
		if err != nil {
			return err
		}
		s.r.heap[h.name] = use
	}
	if s.r.cfg.Syscalls {
		return s.countSyscalls(ctx)
	}
	return nil
}

// round measures every chunk in all its turns, in an order of its own.
func (s *stage) round(ctx context.Context, order *rand.Rand, instance int) error {
	taken := map[sampleKey][]piece{}
	for _, i := range order.Perm(len(s.r.chunks)) {
		c := s.r.chunks[i]
		names := append([]string{c.anchor}, c.members...)
		if err := s.keepAwake(ctx, c.shape == paced); err != nil {
			return err
		}
		for range c.shape.turns() {
			for _, j := range order.Perm(len(names)) {
				p, err := s.piece(ctx, s.servers[names[j]], c.shape, order.Uint64())
				if err != nil {
					return fmt.Errorf("%s: %w", names[j], err)
				}
				key := sampleKey{c, names[j]}
				taken[key] = append(taken[key], p)
			}
		}
		if err := s.keepAwake(ctx, false); err != nil {
			return err
		}
	}
	for key, pieces := range taken { // a round counts whole or not at all
		list := s.r.samples[key]
		for len(list) <= instance {
			list = append(list, nil)
		}
		list[instance] = append(list[instance], pieces...)
		s.r.samples[key] = list
	}
	return nil
}

// keepAwake keeps the servers' processor from halting when they have nothing to do, or does so no longer.
func (s *stage) keepAwake(ctx context.Context, awake bool) (err error) {
	if awake == s.awake {
		return nil
	}
	s.awake = awake
	if !awake {
		return s.spinner.Rest()
	}
	if s.spinner == nil {
		if s.spinner, err = fleet.StartSpinner(ctx, s.r.cfg.Binaries.Bench, s.dir, serverCPU); err != nil {
			return err
		}
		s.stops = append(s.stops, s.spinner.Stop)
	}
	return s.spinner.Work()
}

// piece measures one piece. On a busy machine it goes on until it has requests enough to mean something.
func (s *stage) piece(ctx context.Context, one *server, shape shape, seed uint64) (piece, error) {
	cfg := load.Config{Source: newTraffic(byPopularity, one.want), Duration: s.r.cfg.Piece, Seed: seed}
	switch shape {
	case unseen:
		cfg.Source = newTraffic(fresh, one.want)
	case paced, pacedIdle:
		cfg.Arrivals, cfg.Duration = arrival.Constant(openRate), pacedPieces*s.r.cfg.Piece
	}
	reachedBefore, err := s.reached(ctx, one)
	if err != nil {
		return piece{}, err
	}
	before, err := fleet.TreeCPUTime(one.PID())
	if err != nil {
		return piece{}, err
	}
	var all result.Stats
	p := piece{}
	for try := 0; all.Requests < pieceRequests; try++ {
		if try == pieceTries {
			return p, fmt.Errorf("only %d requests in %d pieces of %s: the machine has no processor time left", all.Requests, try, s.r.cfg.Piece)
		}
		run, err := s.send(ctx, one, cfg)
		if err != nil {
			return p, err
		}
		all.Requests += run.Total.Requests
		all.Latency.Merge(run.Total.Latency)
		p.busy = run.Generator.Busy
	}
	after, err := fleet.TreeCPUTime(one.PID())
	if err != nil {
		return p, err
	}
	if err := s.expect(ctx, one, shape, reachedBefore, all.Requests); err != nil {
		return p, err
	}
	p.micros = float64((after - before).Nanoseconds()) / 1e3 / float64(all.Requests)
	p.p50, p.p99 = float64(all.Latency.At(50)), float64(all.Latency.At(99))
	return p, nil
}

// send runs one load; a failed request is an error.
func (s *stage) send(ctx context.Context, one *server, cfg load.Config) (result.Run, error) {
	cfg.Targets, cfg.Connections, cfg.Timeout = []load.Target{one.Target}, connections, requestTimeout
	r, err := load.New(cfg)
	if err != nil {
		return result.Run{}, err
	}
	if err := r.Run(ctx); err != nil {
		return result.Run{}, err
	}
	run := r.Result()
	if err := ctx.Err(); err != nil {
		return run, err
	}
	if run.Total.Errors > 0 {
		return run, fmt.Errorf("%d of %d requests failed: %v", run.Total.Errors, run.Total.Requests, run.Total.Failures)
	}
	return run, nil
}

// expect keeps a comparison from calling something a hit that was none, or a miss that was one.
func (s *stage) expect(ctx context.Context, one *server, shape shape, before, requests int64) error {
	after, err := s.reached(ctx, one)
	if err != nil {
		return err
	}
	reached := after - before
	switch one.role {
	case peer.Hit, peer.Constant:
		if shape != unseen && float64(reached) > strays*float64(requests) {
			return fmt.Errorf("%d of %d requests reached the upstream: they were no hits", reached, requests)
		}
	case peer.Pass, peer.Miss, peer.Floor:
		if reached < requests {
			return fmt.Errorf("%d of %d requests reached the upstream: the others came from a cache", reached, requests)
		}
	}
	return nil
}

// prepare checks that a server gives the right answer in its role, and warms it.
func (s *stage) prepare(ctx context.Context, one *server) error {
	size := reference.Answer
	if err := s.firstAnswer(ctx, one, size); err != nil {
		return err
	}
	if one.role == peer.Miss {
		return s.warm(ctx, one, fresh)
	}
	for pass := 1; ; pass++ {
		before, err := s.reached(ctx, one)
		if err != nil {
			return err
		}
		if _, err := s.send(ctx, one, load.Config{Source: newTraffic(inTurn, one.want), Requests: keys}); err != nil {
			return err
		}
		err = s.expect(ctx, one, popular, before, keys)
		if err == nil {
			return s.warm(ctx, one, byPopularity)
		}
		if pass == warmPasses || one.role != peer.Hit {
			return fmt.Errorf("after %d passes over %d keys: %w", pass, keys, err)
		}
	}
}

// warm fills pools, lets compilers see what is hot, and opens what connections there will be.
func (s *stage) warm(ctx context.Context, one *server, o order) error {
	_, err := s.send(ctx, one, load.Config{Source: newTraffic(o, one.want), Requests: warmRequests, Duration: min(warmTime, 4*s.r.cfg.Piece)})
	return err
}

// firstAnswer asks once and compares what the JSON means; from then on answers must be the same to the byte.
func (s *stage) firstAnswer(ctx context.Context, one *server, answer func(int) ([]byte, error)) error {
	right, err := answer(s.r.targets[one.Name].Size)
	if err != nil {
		return err
	}
	conn := load.NewConn(one.Target)
	defer conn.Close()
	a, err := conn.Post(ctx, body(firstKey), requestTimeout)
	if err != nil {
		return err
	}
	var got, want any
	if err := json.Unmarshal(right, &want); err != nil {
		return err
	}
	if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != 200 || !reflect.DeepEqual(got, want) {
		return fmt.Errorf("the answer is wrong: status %d, %.200q; %.60q… was expected", a.Status, a.Body, right)
	}
	one.want = append([]byte(nil), a.Body...)
	return nil
}

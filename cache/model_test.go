package cache

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	modelSeed   = flag.Uint64("seed", 1, "TestModel: first seed")
	modelSteps  = flag.Int64("steps", 100_000, "TestModel: steps in all")
	modelFor    = flag.Duration("for", 0, "TestModel: end after this time, whatever is left of the steps (0: play them all)")
	modelReplay = flag.String("replay", "", "TestModel: play this schedule alone")
)

const (
	worldSteps = 150
	shrinkTime = 20 * time.Second
)

// TestModel plays random schedules on a fleet of stores that share one simulated Redis, in virtual time, and holds every answer against the oracle of
// modelProcess.served. A schedule that fails is shrunk and printed; the same seed plays the same schedule. Some worlds have leases, or
// an origin whose replicas lag.
//
//	go test ./cache -run 'TestModel$' -count 1 -seed 7 -steps 10000000
func TestModel(t *testing.T) {
	if *modelReplay != "" {
		steps, err := parseSteps(*modelReplay)
		if err != nil {
			t.Fatal(err)
		}
		if failure, _ := play(steps, nil); failure != "" {
			t.Fatal(report(0, steps, failure))
		}
		return
	}
	start := time.Now()
	r := search(nil, *modelSeed, *modelSteps, *modelFor, t.Logf)
	t.Logf("%d steps in %d worlds, %v: %s", r.steps, r.worlds, time.Since(start).Round(time.Millisecond), &r.counts)
	if r.failure != "" {
		t.Fatal(report(r.seed, r.schedule, r.failure))
	}
	c := &r.counts
	if c.served[Fresh] < int(r.steps/50) || c.shared == 0 || c.refused == 0 || c.generations == 0 || c.raises == 0 || c.lost == 0 || c.follows == 0 ||
		c.lagging == 0 || c.led == 0 || c.elsewhere == 0 || c.brought == 0 || c.vain == 0 || c.late == 0 {
		t.Errorf("these schedules prove little: %s", c)
	}
}

// found is the outcome of a search.
type found struct {
	steps, worlds int64
	counts        modelCounts
	seed          uint64
	failure       string // "": none
	schedule      []step // shrunk
}

func (c *modelCounts) String() string {
	return fmt.Sprintf("%d answers fresh, %d stale, %d from the shared tier, %d after a wait; %d invalid and %d cut-off entries refused; %d generations, %d raised floors; "+
		"%d answers of a replica that lagged; %d leases, %d answers while another fetched, %d brought by it, %d waits for it in vain; %d for a fill in vain",
		c.served[Fresh], c.served[Stale], c.shared, c.follows, c.refused, c.lost, c.generations, c.raises, c.lagging, c.led, c.elsewhere, c.brought, c.vain, c.late)
}

func (c *modelCounts) add(d modelCounts) {
	for i := range c.served {
		c.served[i] += d.served[i]
	}
	c.shared += d.shared
	c.refused += d.refused
	c.generations += d.generations
	c.raises += d.raises
	c.lost += d.lost
	c.follows += d.follows
	c.led += d.led
	c.elsewhere += d.elsewhere
	c.brought += d.brought
	c.vain += d.vain
	c.late += d.late
	c.lagging += d.lagging
}

const progressEvery = 10 * time.Second

// search plays the worlds of consecutive seeds on all processors until one fails.
func search(m *mutant, seed uint64, steps int64, limit time.Duration, logf func(string, ...any)) (r found) {
	var (
		mu     sync.Mutex
		work   sync.WaitGroup
		next   atomic.Uint64
		failed atomic.Bool
		start  = time.Now()
		told   = start
	)
	next.Store(seed)
	worlds := uint64(steps+worldSteps-1) / worldSteps
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for !failed.Load() && (limit == 0 || time.Since(start) < limit) {
				n := next.Add(1) - 1
				if n-seed >= worlds {
					return
				}
				list := schedule(n, worldSteps)
				failure, counts := play(list, m)
				mu.Lock()
				r.worlds++
				r.steps += int64(len(list))
				r.counts.add(counts)
				if now := time.Now(); now.Sub(told) > progressEvery {
					told = now
					logf("%d of %d steps, %v", r.steps, steps, now.Sub(start).Round(time.Second))
				}
				if failure != "" && (r.failure == "" || n < r.seed) {
					failed.Store(true)
					r.seed, r.failure, r.schedule = n, failure, list
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	if r.failure != "" {
		r.schedule, r.failure = shrink(r.schedule, m, shrinkTime)
	}
	return r
}

// Steps are replayed as they were printed, and nothing else is taken for one.
func TestModelStepsAreReplayable(t *testing.T) {
	list := schedule(7, 300)
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = s.String()
	}
	back, err := parseSteps(strings.Join(words, " "))
	if err != nil || fmt.Sprint(back) != fmt.Sprint(list) {
		t.Errorf("%v: %v", err, back)
	}
	for _, bad := range []string{"", "look.0.0.0.0", "begin.0.0.0", "begin.0.0.0.0 unknown.1.1.1.1", "begin.0.0.0.256"} {
		if _, err := parseSteps(bad); err == nil {
			t.Errorf("%q is taken for a schedule", bad)
		}
	}
}

package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// ledger is the truth about some keys: the version the origin has, and when each invalidation was in the log.
type ledger struct {
	mu       sync.Mutex
	versions map[string]int
	acks     map[string][]ack
	lags     []time.Duration
	news     chan struct{} // closed with the next invalidation
}

// untilNews is how long the origin takes: until something is invalidated, if that is soon.
func (l *ledger) untilNews() {
	l.mu.Lock()
	news := l.news
	l.mu.Unlock()
	select {
	case <-news:
	case <-time.After(10 * time.Millisecond):
	}
}

type ack struct {
	version int
	pos     Position
	by      *Store
}

func (l *ledger) version(k string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.versions[k]
}

func (l *ledger) mutate(k string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.versions[k]++
	return l.versions[k]
}

// floor is the oldest version a store may serve from now on: all it asked for itself, and all that it has read of the log.
func (l *ledger) floor(s *Store, k string) (version int) {
	applied := s.clock.State().Applied
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.acks[k] {
		if a.by == s || !applied.Less(a.pos) {
			version = max(version, a.version)
		}
	}
	return version
}

func TestNoHitIsOlderThanWhatItsStoreWasTold(t *testing.T) {
	const steps = 1500
	for _, members := range []int{2, 4} {
		t.Run(fmt.Sprint(members, " stores"), func(t *testing.T) {
			addr := redistest.Start(t).Addr
			var stores []*Store
			for range members {
				stores = append(stores, join(t, addr, nil))
			}
			connected(t, stores...)
			l := &ledger{versions: map[string]int{}, acks: map[string][]ack{}, news: make(chan struct{})}
			var hits, shared, fills, stale atomic.Int64
			read := func(s *Store, k string) {
				floor := l.floor(s, k)
				e, state := s.Get(keyOf(k), nowNS())
				if state != Fresh {
					r := s.Lookup(context.Background(), keyOf(k), nowNS(), Wait{Collapse: 50 * time.Millisecond})
					if r.Fill != nil {
						body := strconv.Itoa(l.version(k))
						l.untilNews()
						r.Fill.Complete(draft(body, k, "all"), nowNS())
						fills.Add(1)
					}
					if r.Tier == TierL2 {
						shared.Add(1)
					}
					e = r.Entry
				}
				if e == nil {
					return
				}
				hits.Add(1)
				if version, _ := strconv.Atoi(string(e.Body)); version < floor {
					stale.Add(1)
					t.Errorf("%s: version %d is served, the store was told of %d", k, version, floor)
				}
			}
			write := func(s *Store, k string) {
				version := l.mutate(k)
				r, err := s.Invalidate(context.Background(), Invalidation{Tags: []string{k}}, nowNS())
				if err != nil || !r.Logged {
					t.Errorf("not logged: %+v %v", r, err)
					return
				}
				at := time.Now()
				l.mu.Lock()
				l.acks[k] = append(l.acks[k], ack{version, r.Position, s})
				close(l.news)
				l.news = make(chan struct{})
				l.mu.Unlock()
				for _, o := range stores {
					redistest.Until(t, "the others read the log", redistest.Patience, func() bool { return !o.clock.State().Applied.Less(r.Position) })
				}
				l.mu.Lock()
				l.lags = append(l.lags, time.Since(at))
				l.mu.Unlock()
			}
			var work sync.WaitGroup
			for _, s := range stores {
				for part := range 2 {
					work.Go(func() {
						for range steps / 2 {
							k := fmt.Sprint("key ", rand.IntN(8))
							if part == 0 && rand.IntN(12) == 0 {
								write(s, k)
							} else {
								read(s, k)
							}
						}
					})
				}
			}
			work.Wait()
			slices.Sort(l.lags)
			p50, most := l.lags[len(l.lags)/2], l.lags[len(l.lags)-1]
			t.Logf("%d hits (%d from the shared tier), %d fills, %d invalidations, %d stale; others obey after %v at the median, %v at most",
				hits.Load(), shared.Load(), fills.Load(), len(l.lags), stale.Load(), p50, most)
			if hits.Load() == 0 || shared.Load() == 0 || p50 > within {
				t.Errorf("hits %d, shared %d, median %v", hits.Load(), shared.Load(), p50)
			}
		})
	}
}

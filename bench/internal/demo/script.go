package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	askTime        = 3 * time.Second
	pollTime       = 5 * time.Millisecond
	ackTime        = 5 * time.Second
	leaseTime      = 4 * time.Second
	backTime       = 5 * time.Second
	federationTime = 12 * time.Second
	warmTime       = 5 * time.Second
	warmHits       = 50 // of the load
	mutants        = 8  // entities changed by the mutation step
	firstProbe     = entities + 500
)

// act is one step of the script.
type act struct {
	name, expected string
	at             float64 // share of the duration when it begins
	limit          time.Duration
	run            func(ctx context.Context) (saw string, err error)
}

// script is what the demo does by itself, and what it found out.
type script struct {
	*stage
	version  atomic.Uint64 // that was pushed
	commands int
	stale    int64 // answers older than they had to be

	staleServed int64 // answers from stale entries, as the sidecars count
}

func (s *script) acts() []act {
	return []act{
		{"warm up", "answers through both sidecars, some of them from the cache", 0, warmTime, s.warm},
		{"change the configuration", "both sidecars acknowledge the new version and answers show their price (header Weir-Cost)", 0.12, ackTime + askTime, s.configure},
		{"send a command", "both sidecars refuse operation Nearby, and allow it again when the lease has ended", 0.27, ackTime + leaseTime + backTime, s.command},
		{"mutate through one sidecar", fmt.Sprintf("weir-a shows each of %d changes at once, weir-b within %s", mutants, load.Grace), 0.52, 10 * time.Second, s.mutate},
		{"stop the origin", "both sidecars go on answering from stale entries", 0.70, askTime + ackTime, s.outage},
		{"start the origin again", "a mutation works through both sidecars", 0.85, backTime, s.recover},
		{"federate four subgraphs", "a partial answer while one of them is killed, its breaker opens, and all is whole after its return", 0.92, federationTime, s.federate},
	}
}

// ask posts one query to a sidecar. The answer's body is the caller's.
func (s *script) ask(ctx context.Context, sidecar int, operation, query, variables string) (*load.Answer, error) {
	c := load.NewConn(s.targets[sidecar])
	defer c.Close()
	body := []byte(`{"operationName":` + strconv.Quote(operation) + `,"query":` + strconv.Quote(query) + `,"variables":` + variables + `}`)
	a, err := c.Post(ctx, body, askTime)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.sidecars[sidecar].Name, err)
	}
	copied := *a
	copied.Body = bytes.Clone(a.Body)
	return &copied, nil
}

const (
	cityQuery   = `query DemoCity($id: ID!) { city(id: $id) { id revision name population } }`
	cityChange  = `mutation DemoChange($id: ID!, $n: Int!) { setPopulation(id: $id, population: $n) { id revision name population } }`
	nearbyQuery = `query Nearby { nearby(latitude: 52.52, longitude: 13.405, first: 3) { id revision name } }`
)

type city struct {
	Name       string
	Population int64
}

func (s *script) city(ctx context.Context, sidecar int, id string) (city, *load.Answer, error) {
	a, err := s.ask(ctx, sidecar, "DemoCity", cityQuery, `{"id":"`+id+`"}`)
	if err != nil {
		return city{}, nil, err
	}
	var body struct{ Data struct{ City *city } }
	if err := json.Unmarshal(a.Body, &body); err != nil || !a.OK() || body.Data.City == nil {
		return city{}, a, fmt.Errorf("%s answered %d %s %s", s.sidecars[sidecar].Name, a.Status, a.WeirError, a.Body)
	}
	return *body.Data.City, a, nil
}

// until polls check until it is satisfied or ctx ends; the error is then the last one of check.
func until(ctx context.Context, every time.Duration, check func() error) error {
	poll := time.NewTicker(every)
	defer poll.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-poll.C:
		}
	}
}

func (s *script) warm(ctx context.Context) (string, error) {
	id := s.cities[firstProbe-1]
	for i := range s.sidecars {
		err := until(ctx, 20*time.Millisecond, func() error {
			_, a, err := s.city(ctx, i, id)
			if err == nil && !a.Cache().Hit {
				err = fmt.Errorf("%s: Cache-Status %q, no hit yet", s.sidecars[i].Name, a.CacheStatus)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	var r result.Stats
	if err := until(ctx, 20*time.Millisecond, func() error {
		if r = s.runner.Result().Total; r.Hits < warmHits {
			return fmt.Errorf("%d answers, %d from the cache", r.Requests, r.Hits)
		}
		return nil
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d answers so far, %.0f %% from the cache", r.Requests, 100*r.HitRatio()), nil
}

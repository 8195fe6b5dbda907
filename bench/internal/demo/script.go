package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
	"github.com/weirproxy/weir/controlplane/api"
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

// policyDocument is the pushed change: answers show their price, and stale entries may stand in for the origin for ten minutes.
const policyDocument = `policy:
  expose: true
  cache:
    stale_if_error: 10m
`

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

func (s *script) configure(ctx context.Context) (string, error) {
	for i := range s.sidecars {
		if _, err := s.exposes(ctx, i, false); err != nil {
			return "", err
		}
	}
	file := filepath.Join(s.dir, "policy.yaml")
	if err := os.WriteFile(file, []byte(policyDocument), 0o644); err != nil {
		return "", err
	}
	began := time.Now()
	out, err := s.control.Call(ctx, "apply", "-f", file, "--reason", "demo", "-o", "json")
	if err != nil {
		return "", err
	}
	var doc api.Document
	if err := json.Unmarshal(out, &doc); err != nil {
		return "", fmt.Errorf("weir-control apply printed %q: %w", out, err)
	}
	s.version.Store(doc.Version)
	err = until(ctx, 20*time.Millisecond, func() error { return s.acknowledged(ctx, doc.Version) })
	if err != nil {
		return "", err
	}
	took := time.Since(began).Round(time.Millisecond)
	var price string
	for i := range s.sidecars {
		err := until(ctx, 20*time.Millisecond, func() error {
			price, err = s.exposes(ctx, i, true)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("version %d acknowledged by both after %s; Weir-Cost: %s", doc.Version, took, price), nil
}

// acknowledged is nil when every sidecar runs the version.
func (s *script) acknowledged(ctx context.Context, version uint64) error {
	list, err := s.api.Sidecars(ctx)
	if err != nil {
		return err
	}
	missing := []string{}
	for _, mine := range s.sidecars {
		i := slices.IndexFunc(list, func(v api.Sidecar) bool { return v.Instance == mine.Name })
		switch {
		case i < 0:
			missing = append(missing, mine.Name+" is unknown to weir-control")
		case list[i].Nack != nil && list[i].Nack.Version == version:
			missing = append(missing, mine.Name+" refused it: "+list[i].Nack.Reason)
		case list[i].Version != version:
			missing = append(missing, fmt.Sprintf("%s runs version %d", mine.Name, list[i].Version))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("version %d: %s", version, strings.Join(missing, ", "))
	}
	return nil
}

// exposes checks that an answer shows its price, or that it does not.
func (s *script) exposes(ctx context.Context, sidecar int, want bool) (string, error) {
	_, a, err := s.city(ctx, sidecar, s.cities[firstProbe-1])
	if err != nil {
		return "", err
	}
	if got := a.WeirCost != ""; got != want {
		return "", fmt.Errorf("%s: header Weir-Cost is %q", s.sidecars[sidecar].Name, a.WeirCost)
	}
	return a.WeirCost, nil
}

func (s *script) command(ctx context.Context) (string, error) {
	allowed := func(sidecar int) error {
		a, err := s.ask(ctx, sidecar, "Nearby", nearbyQuery, "{}")
		if err == nil && !a.OK() {
			err = fmt.Errorf("%s answered %d %s", s.sidecars[sidecar].Name, a.Status, a.WeirError)
		}
		return err
	}
	for i := range s.sidecars {
		if err := allowed(i); err != nil {
			return "", fmt.Errorf("before the command: %w", err)
		}
	}
	began := time.Now()
	if _, err := s.control.Call(ctx, "command", api.KindDisableOperation, "--operation", "Nearby", "--ttl", leaseTime.String(), "--reason", "demo"); err != nil {
		return "", err
	}
	code := ""
	for i := range s.sidecars {
		err := until(ctx, pollTime, func() error {
			a, err := s.ask(ctx, i, "Nearby", nearbyQuery, "{}")
			if err == nil && (a.OK() || a.WeirError == "") {
				err = fmt.Errorf("%s still answers Nearby", s.sidecars[i].Name)
			}
			if err == nil {
				code = a.WeirError
			}
			return err
		})
		if err != nil {
			return "", err
		}
		s.commands++
	}
	refused := time.Since(began).Round(time.Millisecond)
	for i := range s.sidecars {
		if err := until(ctx, 50*time.Millisecond, func() error { return allowed(i) }); err != nil {
			return "", fmt.Errorf("after the lease: %w", err)
		}
	}
	return fmt.Sprintf("both refused after %s (Weir-Error: %s); the lease undid itself after %s", refused, code, time.Since(began).Round(100*time.Millisecond)), nil
}

func (s *script) mutate(ctx context.Context) (string, error) {
	var slowest time.Duration
	example := ""
	for k := range mutants {
		id := s.cities[firstProbe+k]
		var before city
		for i := range s.sidecars {
			for range 2 {
				var err error
				if before, _, err = s.city(ctx, i, id); err != nil {
					return "", err
				}
			}
		}
		n := before.Population + 1
		a, err := s.ask(ctx, 0, "DemoChange", cityChange, fmt.Sprintf(`{"id":"%s","n":%d}`, id, n))
		if err != nil {
			return "", err
		}
		if !a.OK() {
			return "", fmt.Errorf("the mutation was answered %d %s %s", a.Status, a.WeirError, a.Body)
		}
		if own, _, err := s.city(ctx, 0, id); err != nil {
			return "", err
		} else if own.Population != n {
			s.stale++
		}
		took, err := s.fresh(ctx, 1, id, n, a.Done)
		if err != nil {
			return "", err
		}
		slowest = max(slowest, took)
		if example == "" {
			example = fmt.Sprintf("%s %d → %d", before.Name, before.Population, n)
		}
	}
	if s.stale > 0 {
		return "", fmt.Errorf("%d stale answers", s.stale)
	}
	return fmt.Sprintf("%s and %d more; weir-b fresh after %s at most, 0 stale", example, mutants-1, slowest.Round(100*time.Microsecond)), nil
}

// fresh measures how long after the acknowledgement a sidecar shows n. A read sent after the grace that does not is stale.
func (s *script) fresh(ctx context.Context, sidecar int, id string, n int64, acknowledged time.Time) (time.Duration, error) {
	for {
		got, a, err := s.city(ctx, sidecar, id)
		if err != nil {
			return 0, err
		}
		sent := a.Sent.Sub(acknowledged)
		if got.Population == n {
			return max(0, sent), nil
		}
		if sent > load.Grace {
			s.stale++
			return sent, nil
		}
	}
}

// staleAnswers is how many operations a sidecar has answered from stale entries; pairs choose among them.
func (s *script) staleAnswers(ctx context.Context, sidecar int, pairs ...string) (int64, error) {
	m, err := s.sidecars[sidecar].Metrics(ctx)
	if err != nil {
		return 0, err
	}
	n, _ := m.Sum("weir_operations_total", append([]string{"cache_status", "stale"}, pairs...)...)
	return int64(n), nil
}

func (s *script) outage(ctx context.Context) (string, error) {
	id := s.cities[firstProbe]
	var before [2]int64
	for i := range s.sidecars {
		if _, _, err := s.city(ctx, i, id); err != nil {
			return "", err
		}
		var err error
		if before[i], err = s.staleAnswers(ctx, i, "operation", "DemoCity"); err != nil {
			return "", err
		}
	}
	s.runner.Excuse(true)
	if err := s.origin.Stop(); err != nil {
		return "", err
	}
	if _, err := scrape.Post(ctx, s.sidecars[0].AdminURL()+"/cache/invalidate", []byte(`{"types":["City","Country","CityConnection","Stats"],"soft":true}`)); err != nil {
		return "", err
	}
	var name string
	for i, sidecar := range s.sidecars {
		err := until(ctx, 20*time.Millisecond, func() error {
			c, a, err := s.city(ctx, i, id)
			if err != nil {
				return err
			}
			name = c.Name
			stale, err := s.staleAnswers(ctx, i, "operation", "DemoCity")
			if err == nil && (stale == before[i] || !a.Cache().Hit) {
				err = fmt.Errorf("%s: no stale answer (Cache-Status %q)", sidecar.Name, a.CacheStatus)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("the origin is gone, everything was softly invalidated, and both still answer %s", name), nil
}

func (s *script) recover(ctx context.Context) (string, error) {
	defer s.runner.Excuse(false)
	var stale int64
	for i := range s.sidecars {
		n, err := s.staleAnswers(ctx, i)
		if err != nil {
			return "", err
		}
		stale += n
	}
	s.staleServed = stale
	began := time.Now()
	if err := s.origin.Start(); err != nil {
		return "", err
	}
	for i := range s.sidecars {
		err := until(ctx, 20*time.Millisecond, func() error {
			a, err := s.ask(ctx, i, "DemoChange", cityChange, fmt.Sprintf(`{"id":"%s","n":%d}`, s.cities[firstProbe+mutants+i], 1000+i))
			if err == nil && !a.OK() {
				err = fmt.Errorf("%s answered %d %s", s.sidecars[i].Name, a.Status, a.WeirError)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("back after %s; meanwhile %d stale answers, %d requests with nothing to answer from", time.Since(began).Round(time.Millisecond),
		stale, s.runner.Result().Total.Excused), nil
}

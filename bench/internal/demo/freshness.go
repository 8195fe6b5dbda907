package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

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

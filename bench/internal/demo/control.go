package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/controlplane/api"
)

// policyDocument is the pushed change: answers show their price, and stale entries may stand in for the origin for ten minutes.
const policyDocument = `policy:
  expose: true
  cache:
    stale_if_error: 10m
`

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

package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
)

// schemas keeps the schema: from a file, which is read again when it changes, or by introspection of the upstream. The last good one
// stays.
type schemas struct {
	file     watched // without a name: introspection
	every    time.Duration
	path     string // of the upstream's endpoint
	upstream *upstream
	log      *slog.Logger
	first    *planner.Schema // of the file; nil without one
	failing  atomic.Bool     // the newest schema cannot be had or used
}

const (
	maxSchema = 32 << 20
	// firstRetry is how soon introspection is tried again while there is no schema at all.
	firstRetry = time.Second
)

func newSchemas(s *config.Static, u *upstream, log *slog.Logger) (*schemas, error) {
	k := &schemas{
		file:  watched{key: "schema", name: s.File.Schema, what: "an SDL file, or none to have the upstream introspected,"},
		every: s.Introspection, path: s.File.Policy.Paths[0], upstream: u, log: log,
	}
	if s.File.Supergraph.File != "" {
		k.every = 0 // the schema is the supergraph's
		return k, nil
	}
	if k.file.name == "" {
		return k, nil
	}
	var err error
	k.first, err = k.read()
	return k, err
}

// read reads the file when it has changed; nil: it has not.
func (k *schemas) read() (s *planner.Schema, err error) {
	err = k.file.read(func(text string) (err error) {
		s, err = planner.ParseSchema(k.file.name, text)
		return err
	})
	return s, err
}

// run looks for a new schema until ctx ends and hands it to set.
func (k *schemas) run(ctx context.Context, set func(*planner.Schema)) {
	if k.every <= 0 {
		return
	}
	last := k.first
	pause := min(firstRetry, k.every)
	for {
		s, err := k.look(ctx)
		if ctx.Err() != nil {
			return
		}
		k.tell(err, last)
		if s != nil && (last == nil || s.Hash() != last.Hash()) {
			k.log.Info("schema loaded", "from", k.source())
			set(s)
			last = s
		}
		if last != nil || err == nil {
			pause = k.every
		}
		timer := time.NewTimer(pause)
		pause = min(2*pause, k.every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (k *schemas) source() string {
	if k.file.name != "" {
		return k.file.name
	}
	return "introspection"
}

// tell logs a change of state once.
func (k *schemas) tell(err error, last *planner.Schema) {
	if err == nil {
		k.failing.Store(false)
		return
	}
	if k.failing.CompareAndSwap(false, true) {
		k.log.Warn("no new schema; requests go on with what is known", "from", k.source(), "has_schema", last != nil, "error", err)
	}
}

func (k *schemas) look(ctx context.Context) (*planner.Schema, error) {
	if k.file.name != "" {
		return k.read()
	}
	var failure error
	for _, query := range []string{planner.IntrospectionQuery, planner.IntrospectionQueryBasic} {
		s, err := k.introspect(ctx, query)
		if err == nil {
			return s, nil
		}
		failure = err
	}
	return nil, failure
}

func (k *schemas) introspect(ctx context.Context, query string) (*planner.Schema, error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.upstream.cfg.Host+k.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "weir")
	response, err := k.upstream.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSchema))
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("introspection: the upstream answered with status %d", response.StatusCode)
	}
	s, err := planner.ParseIntrospection(text)
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	return s, nil
}

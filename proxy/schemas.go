package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
)

// schemas keeps the schema: from a file, which is read again when it changes, or by introspection of the upstream. The last good one
// stays.
type schemas struct {
	file       string
	every      time.Duration
	path       string // of the upstream's endpoint
	upstream   *upstream
	log        *slog.Logger
	first      *planner.Schema     // of the file; nil without one
	changed    time.Time           // of the file
	size       int64               // of the file
	bad        error               // what is wrong with the file since then
	supergraph *planner.Supergraph // nil: there is an upstream
	failing    atomic.Bool         // the newest schema cannot be had or used
}

const (
	maxSchema = 32 << 20
	// firstRetry is how soon introspection is tried again while there is no schema at all.
	firstRetry = time.Second
)

func newSchemas(s *config.Static, u *upstream, log *slog.Logger) (*schemas, error) {
	k := &schemas{file: s.File.Schema, every: s.Introspection, path: s.File.Policy.Paths[0], upstream: u, log: log}
	var err error
	if s.File.Supergraph != "" {
		k.every = 0
		if k.supergraph, err = loadSupergraph(s.File.Supergraph); err != nil {
			return nil, err
		}
		k.first = k.supergraph.Schema()
		return k, nil
	}
	if k.file == "" {
		return k, nil
	}
	k.first, err = k.read()
	return k, err
}

// read reads the file when it has changed; nil: it has not. A file that is wrong stays an error until it changes.
func (k *schemas) read() (*planner.Schema, error) {
	info, err := os.Stat(k.file)
	if err != nil {
		return nil, fmt.Errorf("schema: %w; name an SDL file, or none to have the upstream introspected", err)
	}
	if info.ModTime().Equal(k.changed) && info.Size() == k.size {
		return nil, k.bad
	}
	text, err := os.ReadFile(k.file)
	if err != nil {
		return nil, fmt.Errorf("schema: %w; name an SDL file that this user may read", err)
	}
	k.changed, k.size = info.ModTime(), info.Size()
	s, err := planner.ParseSchema(k.file, string(text))
	if k.bad = nil; err != nil {
		k.bad = fmt.Errorf("schema: %w", err)
		return nil, k.bad
	}
	return s, nil
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
	if k.file != "" {
		return k.file
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
	if k.file != "" {
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

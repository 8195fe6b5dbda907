package proxy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// restoreTime bounds the reading of a saved cache where readiness does not wait for it.
const restoreTime = 30 * time.Second

// bringAlong fills the cache with what an earlier run has saved and what the fleet asks for most, and then lets the sidecar report that it is
// ready. Requests are served meanwhile.
func (s *Sidecar) bringAlong(ctx context.Context) {
	defer s.warming.Store(false)
	limit := s.cfg.Static.WarmUp
	if limit == 0 {
		limit = restoreTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	restored, warmed := 0, 0
	if path := s.savedCache(); path != "" {
		var err error
		if restored, err = s.store.Restore(ctx, path, s.cfg.Static.File.Identity.Service); err != nil {
			s.log.Warn("the saved cache cannot be used; the cache starts empty", "file", path, "error", err)
		}
		_ = os.Remove(path) // used once: what is erased later is not to lie there
	}
	if s.cfg.Static.WarmUp > 0 {
		warmed = s.store.WarmUp(ctx)
	}
	if restored+warmed > 0 || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		s.log.Info("the cache was filled", "from_file", restored, "from_redis", warmed, "seconds", time.Since(began).Seconds())
	}
}

// savedCache is the file of the cache that a run leaves for the next; empty: none.
func (s *Sidecar) savedCache() string {
	f := &s.cfg.Static.File
	if s.store == nil || f.CacheSave != "on" {
		return ""
	}
	return filepath.Join(f.State, "cache.saved")
}

// saveCache leaves the cache for the next run, when nothing is served any more.
func (s *Sidecar) saveCache() {
	path := s.savedCache()
	if path == "" {
		return
	}
	n, err := 0, os.MkdirAll(s.cfg.Static.File.State, 0o700)
	if err == nil {
		n, err = s.store.Save(path, s.cfg.Static.File.Identity.Service)
	}
	if err != nil {
		s.log.Warn("the cache was not saved; the next start is cold", "file", path, "error", err)
		return
	}
	s.log.Info("the cache was saved", "file", path, "entries", n)
}

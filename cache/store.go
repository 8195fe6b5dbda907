package cache

import (
	"context"
	"time"
)

// Store is the cache. All methods are safe for concurrent use.
type Store struct{ cfg Config }

// Open checks the configuration and returns a store. It never fails because Redis is down.
func Open(cfg Config) (*Store, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Store{cfg: cfg}, nil
}

// Run does the background work until ctx ends: the log's reader and appender, the connector, writes to the shared tier.
func (s *Store) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Close releases the store. Call it after Run has returned.
func (s *Store) Close() error { return nil }

// Get looks into this process only. It allocates nothing.
func (s *Store) Get(k *Key, now int64) (*Entry, State) { return nil, Miss }

// Lookup looks into both tiers and leads or follows a fill.
func (s *Store) Lookup(ctx context.Context, k *Key, now int64, w Wait) Result {
	return Result{Fill: &Fill{}}
}

// Fill is the right, and the duty, to fill one key.
type Fill struct{}

// Complete stores the answer and wakes the followers; nil when it was not stored.
func (f *Fill) Complete(d *Draft, now int64) *Entry { return nil }

// Abandon gives the fill up and wakes the followers; with a positive duration the key is marked as not cacheable.
func (f *Fill) Abandon(hitForMiss time.Duration) {}

// AsOf returns the log position at which the fill began.
func (f *Fill) AsOf() Position { return Position{} }

// Invalidate makes this process obey at once and puts the invalidation into the log.
func (s *Store) Invalidate(ctx context.Context, inv Invalidation, now int64) (Receipt, error) {
	return Receipt{}, nil
}

// InvalidateTags is Invalidate of the given names.
func (s *Store) InvalidateTags(ctx context.Context, t TagSource, now int64) (Receipt, error) {
	return Receipt{}, nil
}

// Connected reports whether contact to the log is fresh; true without Redis.
func (s *Store) Connected() bool { return len(s.cfg.Redis) == 0 }

// Degraded reports whether the store has been without the log for longer than DisconnectedAfter.
func (s *Store) Degraded() bool { return false }

// Stats returns a snapshot.
func (s *Store) Stats() Stats { return Stats{} }

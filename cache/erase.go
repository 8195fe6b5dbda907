package cache

import (
	"context"
	"errors"
	"time"

	"github.com/weirproxy/weir/cache/internal/codec"
)

// TenantTag begins the tag of the entries of one tenant; its id follows. Entries that have such a tag can be erased.
const TenantTag = codec.TenantTag

// Erasure says what Erase has done.
type Erasure struct {
	Receipt Receipt      // of the invalidation, which comes first
	Fleet   FleetReceipt // who obeys it
	Shared  bool         // there is a shared tier
	Scanned uint64       // values of the shared tier that were looked at
	Erased  uint64       // of these: the tenant's, deleted
}

// ErrNotLogged tells that the log could not be reached, so that others might go on writing.
var ErrNotLogged = errors.New("cache: the invalidation log cannot be reached; this process serves nothing of the tenant any more, but nothing was erased: ask again")

// Erase deletes everything of a tenant from the shared tier, physically, and makes every process give up what it has of it. First the tenant
// is invalidated, so that nothing of it is served or written again, then the fleet is waited for, and what was on its way, then the shared
// tier is searched. It takes as long as ctx lets it: a second and a half, and 20 µs for each key of the shared Redis. What the tenant asks for
// meanwhile may be erased too.
//
// In processes the memory of invalid entries is given back by and by. Snapshots, append-only files and backups of Redis are its operator's.
func (s *Store) Erase(ctx context.Context, tenant string, now int64) (e Erasure, err error) {
	e.Shared = s.values != nil
	if e.Receipt, err = s.Invalidate(ctx, Invalidation{Tags: []string{TenantTag + tenant}}, now); err != nil || !e.Shared {
		return e, err
	}
	if !e.Receipt.Logged {
		call, cancel := context.WithTimeout(ctx, time.Second)
		err = s.AwaitLogged(call)
		cancel()
		if err != nil {
			return e, ErrNotLogged
		}
		e.Receipt.Logged = true
	}
	e.Fleet = s.AwaitFleet(ctx, time.Second)
	settled := time.NewTimer(s.cfg.WriteBudget + 100*time.Millisecond) // what was on its way to Redis is there, or never comes
	defer settled.Stop()
	select {
	case <-settled.C:
	case <-ctx.Done():
		return e, ctx.Err()
	}
	done, err := s.values.Erase(ctx, s.codec.TenantOf(tenant))
	e.Scanned, e.Erased = done.Scanned, done.Erased
	return e, err
}

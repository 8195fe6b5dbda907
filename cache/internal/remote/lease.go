package remote

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/key"
)

// leaseName is the key of the lease for a value, in the same slot: names of values have no braces.
func (v *Values) leaseName(name string) string { return v.cfg.Namespace + ":l:{" + name + "}" }

// Lease takes the right to fetch a key for the fleet, for a time. It waits for no longer than a read does. False means that another process
// has it; a Redis that cannot be asked, or fails, lets everybody fetch.
func (v *Values) Lease(ctx context.Context, k *key.Key, d time.Duration) bool {
	if v.link.get() == nil || ctx.Err() != nil {
		return true
	}
	name := v.Name(k)
	part := v.part(name)
	if !part.breaker.allow(v.cfg.Now()) {
		return true
	}
	answer, err := v.ask(part, name, v.leaseName(name), max(1, int64(d/time.Millisecond)), v.cfg.ReadBudget)
	if ctx.Err() != nil && err != nil {
		part.breaker.release()
		return true
	}
	_, refused := rueidis.IsRedisErr(err) // a user who may not write leases, for one, can still read values
	part.breaker.tell(err == nil || refused, v.cfg.Now())
	return err != nil || answer != nil
}

// endLeases lets go of the leases for values that are written: the next fetch of the key need not wait for their end. It may end one that
// another process has taken since; then one more fetches.
func (v *Values) endLeases(ctx context.Context, c rueidis.Client, names []string) {
	cmds := make(rueidis.Commands, 0, len(names))
	for _, n := range names {
		cmds = append(cmds, v.link.command(c, "SET", v.leaseName(n), "0", "PX", "1"))
	}
	c.DoMulti(ctx, cmds...)
}

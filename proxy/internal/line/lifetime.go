package line

import (
	"strconv"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/cachecontrol"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// source is what decided how long an entry is fresh.
type source uint8

const (
	sourceNone          source = iota
	sourceDeclared             // the schema's hint or the policy's default
	sourceUpstream             // Cache-Control
	sourceLease                // a command of the control plane
	sourceMaxTTL               // the policy's bound for all
	sourceNegative             // its bound for answers that say there is nothing
	sourceAdaptive             // how often the operation's answers change
	sourcePopular              // how often the key is asked for
	sourceHoldOff              // its bound for what was invalidated a moment ago
	sourceAuthenticated        // its bound for verified credentials
)

// sourceNames are the tokens of Cache-Status.
var sourceNames = [...]string{"none", "declared", "upstream", "lease", "max-ttl", "negative", "adaptive", "popular", "hold-off", "authenticated"}

func (s source) String() string { return sourceNames[s] }

// lifetime is how long an answer may be kept.
type lifetime struct {
	ttl   time.Duration
	stale time.Duration // behind it: when the upstream fails, or while revalidating
	// revalidate is the part of stale in which the entry answers at once while it is fetched again.
	revalidate time.Duration
	ahead      time.Duration // before the end of ttl one of those who ask refreshes the entry
	granted    time.Duration // what ttl was before a bound made it less
	why        source
	private    bool
	grouped    bool // not for everybody: no cache on the way may share it
	explicit   bool // the upstream sent Cache-Control
}

// bound makes the fresh time at most d, for the reason given.
func (life *lifetime) bound(d time.Duration, why source) {
	if d < life.ttl {
		life.ttl, life.why = d, why
	}
}

// grant sets the fresh time.
func (life *lifetime) grant(d time.Duration, why source) {
	life.ttl, life.granted, life.why = d, d, why
}

// silent is the Cache-Control of an origin that says nothing, or is not heard.
var silent = cachecontrol.Parse(nil)

// lifetime joins what the plan, the upstream's headers, a lease and the policy allow; why is not empty when the answer is not to be
// kept. Each bound only makes less of what the ones before left, and the one for verified credentials comes last. What tells of the tags is
// added by settle.
func (l *Line) lifetime(x *Exchange, it *Item, r *wire.ResponseHead, facts planner.Facts, now int64) (life lifetime, why string) {
	if r.Count("set-cookie") > 0 {
		return life, "set_cookie"
	}
	if !x.varies(it, r) {
		return life, "vary"
	}
	p, c := &x.Policy.Cache, &silent
	if p.UpstreamHeaders {
		if r.Count("cache-control") > 1 {
			return life, "control"
		}
		if c = x.control(r.Header("cache-control")); c.Forbids(it.class == scope.User) || x.Scope.Explicit && !c.ForAll() {
			return life, "control"
		}
	}
	plan := it.Plan.Cache()
	life.explicit = c.Present
	life.grouped = it.class != scope.Public
	life.private = plan.Private || it.class == scope.User || c.Private
	life.given(&plan, c, r, p.UpstreamHeaders)
	if it.Lease != nil && it.Lease.TTL > 0 {
		life.grant(it.Lease.TTL, sourceLease)
	}
	if p.MaxTTL > 0 {
		life.bound(p.MaxTTL, sourceMaxTTL)
	}
	if facts.Negative {
		life.bound(p.NegativeTTL, sourceNegative)
	}
	l.adapt(&life, x, it, now)
	if x.Scope.Authenticated {
		life.bound(p.AuthenticatedMax, sourceAuthenticated)
	}
	if life.ttl <= 0 {
		return life, "ttl"
	}
	if !life.private && !c.Revalidate {
		life.revalidate = within(p.StaleWhileRevalidate, c.StaleWhile)
		life.stale = max(life.revalidate, within(p.StaleIfError, c.StaleIf))
	}
	return life, ""
}

// settle is for an answer whose tags are known: one of what was invalidated a moment ago may be of before, for replicas of the origin's
// database lag. It is fresh for a short time, and stale only when the origin fails. What counts is when the origin was asked: a slow answer
// may come long after.
func (life *lifetime) settle(l *Line, x *Exchange, it *Item) {
	if d := x.Policy.Cache.HoldOff; d > 0 && l.cfg.Cache.Unsettled(&it.tags, d, x.Forwarded) {
		life.bound(d, sourceHoldOff)
		life.revalidate = 0
	}
}

// given is the fresh time that the schema and the upstream declare: where both do, the shorter; less what the answer has aged on its way.
func (life *lifetime) given(plan *planner.CachePolicy, c *cachecontrol.Control, r *wire.ResponseHead, heard bool) {
	if plan.Cacheable {
		life.grant(time.Duration(plan.MaxAge)*time.Second, sourceDeclared)
	}
	if !heard {
		return
	}
	if ttl, ok := c.TTL(); ok && (!plan.Cacheable || ttl < life.ttl) {
		life.grant(ttl, sourceUpstream)
	}
	life.ttl -= time.Duration(cachecontrol.Seconds(r.Header("age"))) * time.Second
	life.granted = life.ttl
}

// within is what policy allows, or less where the upstream says so; -1 s is nothing said.
func within(policy time.Duration, said int64) time.Duration {
	if said < 0 {
		return policy
	}
	return min(policy, time.Duration(said)*time.Second)
}

// describe writes what the entry's readers need to know of its lifetime. The detail is a token when the fresh time is what was granted,
// and names that too when it is less; it is written to dst, which is returned.
func (life *lifetime) describe(s *answer.Stored, dst []byte) []byte {
	s.Revalidate = int64((life.revalidate + time.Second - 1) / time.Second)
	if life.ttl == life.granted {
		dst = append(dst, life.why.String()...)
	} else {
		dst = append(dst, '"')
		dst = append(dst, life.why.String()...)
		dst = append(dst, ", of "...)
		dst = strconv.AppendInt(dst, int64(life.granted/time.Second), 10)
		dst = append(dst, ` s"`...)
	}
	s.Detail = dst
	return dst
}

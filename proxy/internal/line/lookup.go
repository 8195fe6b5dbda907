package line

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/ledger"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
	"github.com/weirproxy/weir/telemetry"
)

// The parts of a key. Their numbers are part of the format: changing one needs a new keyFormat.
const (
	keyFormat = 4

	partFormat byte = iota
	partPolicy
	partPlan
	partVariables
	partScope
	partScopeID
	partMedia
	partVary
	partLearnt
)

// lookup resolves the scope and asks the cache for each item. It reports whether every item has an entry to answer with. Otherwise the
// request is relayed as a whole: items that lead a fill keep it, and entries that may be served when the upstream fails stay as fallback.
func (l *Line) lookup(ctx context.Context, x *Exchange, h *wire.RequestHead, now int64) bool {
	p := x.Policy
	if l.cfg.Cache == nil || !p.Cache.Enabled || x.Mutates() {
		if p.Scope.TellsTenants() { // for the events
			x.Scope = p.Scope.Resolve(h, x.Peer, now)
		}
		return false
	}
	if x.Media == answer.MediaOther || x.Media == answer.MediaStream {
		x.outcome(ledger.BypassHeaders)
		return false
	}
	if x.Scope = p.Scope.Resolve(h, x.Peer, now); h.Credentials && x.Scope.Class != scope.Bypass && !x.accounted(h) {
		x.Scope = scope.Scope{Class: scope.Bypass, Reason: scope.Unread, Tenant: x.Scope.Tenant}
	}
	if x.Scope.Class == scope.Bypass {
		l.stats.scopeBypass[x.Scope.Reason].Add(1)
		for i := range x.Items {
			x.Items[i].bypass(ledger.BypassScope)
		}
		return false
	}
	if !x.varying(h) {
		x.outcome(ledger.BypassHeaders)
		return false
	}
	all := true
	for i := range x.Items {
		it := &x.Items[i]
		if !l.lookupItem(ctx, x, h, it, now) {
			all = false
		}
	}
	if !all {
		x.Refresh = false
		for i := range x.Items {
			x.Items[i].forwarded()
		}
	}
	return all
}

// varying gathers what of the request's head is part of every key: the path, parameters that are not GraphQL's, and the headers that
// policy names. False when one of those is not usable.
func (x *Exchange) varying(h *wire.RequestHead) bool {
	path := h.Path()
	x.vary = binary.AppendUvarint(x.vary[:0], uint64(len(path)))
	x.vary = append(x.vary, path...)
	start := len(x.vary)
	x.vary = appendForeign(x.vary, h.Query(), x.Get)
	x.vary = binary.AppendUvarint(x.vary, uint64(len(x.vary)-start))
	for _, name := range x.Policy.Cache.Vary {
		v := h.Header(name)
		if len(v) > 0 && h.Count(name) > 1 {
			return false
		}
		x.vary = binary.AppendUvarint(x.vary, uint64(len(v)))
		x.vary = append(x.vary, v...)
	}
	if h.Steered {
		x.vary = appendSteering(x.vary, h)
	}
	if x.Get {
		allowed := byte(0)
		if preflighted(h) {
			allowed = 1
		}
		x.vary = append(x.vary, allowed)
	}
	return true
}

// cacheable reports whether the plan allows a look-up: the schema's hints say so, or there are none and the upstream's Cache-Control
// decides.
func cacheable(x *Exchange, it *Item) bool {
	if !it.coerced || it.mismatched || it.Plan.Kind() != planner.KindQuery || it.Plan.Incremental() {
		return false
	}
	c := it.Plan.Cache()
	if c.Cacheable || (it.Lease != nil && it.Lease.TTL > 0) {
		return true
	}
	return x.Policy.Cache.UpstreamHeaders && !c.Hinted
}

func (l *Line) lookupItem(ctx context.Context, x *Exchange, h *wire.RequestHead, it *Item, now int64) (have bool) {
	lease := it.Lease
	if !cacheable(x, it) {
		return it.bypass(ledger.BypassOperation)
	}
	if lease != nil && lease.BypassCache {
		return it.bypass(ledger.BypassCommand)
	}
	if !x.share(it, now) {
		l.stats.scopeBypass[scope.NoIdentity].Add(1)
		return it.bypass(ledger.BypassIdentity)
	}
	varied := it.learnt != nil && len(it.learnt.Vary) > 0
	if varied && !x.learntValues(it, h) {
		return it.bypass(ledger.BypassHeaders)
	}
	l.writeKey(x, it, varied)
	it.ops++
	if a := &x.Policy.Cache.Adaptive; len(a.Views) > 0 {
		l.views.Count((*[32]byte)(&it.key), a.Window, now)
	}
	entry, state := l.cfg.Cache.Get(&it.key, now)
	if state == cache.Fresh {
		it.answerWith(entry, ledger.HitL1)
		return true
	}
	if x.Head {
		it.outcome = ledger.MissAbsent
		return false
	}
	wait := cache.Wait{Collapse: x.Policy.Cache.Collapse, Missed: state == cache.Miss, Lease: x.Policy.Cache.FleetLease, Spare: it.spare}
	if x.Batch || state == cache.Stale && x.Breaker.State() != breaker.Closed { // who leads may be the probe of an upstream that hangs
		wait.Collapse = 0
	}
	r := l.cfg.Cache.Lookup(ctx, &it.key, now, wait)
	it.Status, it.outcome = telemetry.Miss, missed(r.Why)
	if r.Bypass {
		it.bypass(ledger.BypassAnswer)
	}
	if it.fill = r.Fill; it.fill != nil {
		it.spare, it.prior = r.Fill, r.Entry
	}
	switch r.State {
	case cache.Fresh:
		it.answerWith(r.Entry, tier(r.Tier))
		it.collapsed = r.Collapsed
		if r.Collapsed {
			it.Status, it.outcome = telemetry.Collapsed, ledger.HitCollapsed
		}
	case cache.Stale:
		return l.stale(x, it, r, now)
	default:
		return false
	}
	if it.fill != nil {
		x.Refresh = true
	}
	return true
}

// stale decides whether an expired entry may answer at once: while it is revalidated, or because a lease says so. Otherwise it is kept
// for the case that the upstream fails.
func (l *Line) stale(x *Exchange, it *Item, r cache.Result, now int64) bool {
	it.Entry, it.State = r.Entry, cache.Stale
	if it.Lease != nil && it.Lease.ServeStale {
		if it.fill != nil {
			it.fill.Abandon(0)
			it.fill = nil
		}
		it.Status, it.outcome = telemetry.Stale, ledger.HitStale
		return true
	}
	window := min(x.Policy.Cache.StaleWhileRevalidate, Revalidates(r.Entry))
	if window <= 0 || now-cache.StaleFrom(r.Entry) > int64(window) {
		it.outcome = ledger.MissStale
		return false
	}
	it.Status, it.outcome = telemetry.Stale, ledger.HitStale
	if it.fill != nil {
		x.Refresh = true
	}
	return true
}

// Revalidates is for how long after its fresh time an entry may answer while it is fetched again.
func Revalidates(e *cache.Entry) time.Duration {
	var stored answer.Stored
	stored.Read(e.Head)
	return time.Duration(stored.Revalidate) * time.Second
}

// forwarded is for an item with an entry that is asked for all the same, because another one of its batch has none.
func (it *Item) forwarded() {
	if it.Entry != nil {
		it.Status, it.collapsed = telemetry.Miss, false
		if it.outcome.Hit() {
			it.outcome = ledger.MissBatch
		}
	}
}

func (it *Item) answerWith(e *cache.Entry, o ledger.Outcome) {
	it.Entry, it.State, it.Status, it.outcome = e, cache.Fresh, telemetry.Hit, o
	if e.Negative {
		it.Status, it.outcome = telemetry.Negative, ledger.HitNegative
	}
}

// bypass says that the item does not ask the cache; it returns false.
func (it *Item) bypass(o ledger.Outcome) bool {
	it.Status, it.outcome = telemetry.Bypass, o
	return false
}

// outcome is what all queries of the request come to.
func (x *Exchange) outcome(o ledger.Outcome) {
	for i := range x.Items {
		if x.Items[i].Kind() == planner.KindQuery {
			x.Items[i].outcome = o
		}
	}
}

func tier(t cache.Tier) ledger.Outcome {
	if t == cache.TierL2 {
		return ledger.HitL2
	}
	return ledger.HitL1
}

func missed(why cache.Reason) ledger.Outcome {
	switch why {
	case cache.Expired:
		return ledger.MissExpired
	case cache.Invalid:
		return ledger.MissInvalid
	case cache.Disconnected:
		return ledger.MissDisconnected
	case cache.ClockJumped:
		return ledger.MissClock
	case cache.Unanswered:
		return ledger.MissWaited
	}
	return ledger.MissAbsent
}

// writeKey builds the item's key (section 5 of the design): everything that may change the answer, length-prefixed and type-tagged.
func (l *Line) writeKey(x *Exchange, it *Item, varied bool) {
	k := &x.keys
	k.Reset()
	k.Uint(partFormat, keyFormat)
	k.Part(partPolicy, x.Policy.KeyPart())
	k.Part(partPlan, it.Plan.KeyPart())
	k.Part(partVariables, it.values.Canonical)
	k.Uint(partScope, x.shareKey(it))
	if it.class != scope.Public {
		k.Part(partScopeID, it.group)
	}
	k.Uint(partMedia, uint64(x.Media))
	k.Part(partVary, x.vary)
	if varied {
		k.Part(partLearnt, x.learnt)
	}
	it.key = k.Sum()
}

// Fallback turns a relayed request into an answer from stale entries because the upstream failed, or is not asked; it reports whether that is possible.
// The fills end.
func (l *Line) Fallback(x *Exchange, now int64) bool {
	for i := range x.Items { // what was invalidated since the look-up is gone, or stale from then on
		if e := x.Items[i].Entry; e == nil || !l.cfg.Cache.Servable(e, now) {
			return false
		}
	}
	if !x.HasFallback(now) {
		return false
	}
	x.abandon()
	for i := range x.Items {
		it := &x.Items[i]
		it.outcome = ledger.HitOnError
		if x.Unasked {
			it.outcome = ledger.HitUnasked
		}
		if it.Status = telemetry.Hit; it.State == cache.Stale {
			it.Status = telemetry.Stale
		}
	}
	return true
}

// HasFallback reports whether there are entries, stale as they may be, that policy lets answer when the upstream fails.
func (x *Exchange) HasFallback(now int64) bool {
	if !x.GraphQL || len(x.Items) == 0 {
		return false
	}
	limit := int64(x.Policy.Cache.StaleIfError)
	for i := range x.Items {
		it := &x.Items[i]
		if it.Entry == nil {
			return false
		}
		if late := now - cache.StaleFrom(it.Entry); late > limit || late >= it.Entry.Hard-it.Entry.Soft {
			return false
		}
	}
	return true
}

// AbandonFill ends the fills without an answer, so that other requests do not wait for one.
func (l *Line) AbandonFill(x *Exchange) { x.abandon() }

// remaining is what an answer from the item's entry shows as the rest of its fresh time. An entry that was invalidated, and answers while it
// is fetched again, has none.
func (it *Item) remaining(now int64) int64 {
	rest := remaining(it.Entry, now)
	if it.State == cache.Stale {
		return min(rest, 0)
	}
	return rest
}

// remaining is the rest of an entry's fresh time in whole seconds, negative when it has passed.
func remaining(e *cache.Entry, now int64) int64 {
	d := e.Soft - now
	if d < 0 {
		return -((-d + int64(time.Second) - 1) / int64(time.Second))
	}
	return d / int64(time.Second)
}

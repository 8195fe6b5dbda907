package line

import (
	"sync/atomic"

	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// limitNames are the rules that Stats counts; their order is that of counters.limits.
var limitNames = [...]string{
	"tokens", "depth", "aliases", "root_fields", "directives", "expanded_fields", "batch", "introspection", "get_mutation", "lease", "budget", "other",
}

// notStoredNames are the reasons for not keeping an answer.
var notStoredNames = [...]string{"set_cookie", "vary", "control", "ttl", "tags", "variants"}

type counters struct {
	blind            [reasons]atomic.Uint64
	limits           [len(limitNames)]atomic.Uint64
	refusedStore     [len(notStoredNames)]atomic.Uint64
	invalid          atomic.Uint64
	exhausted        atomic.Uint64
	exhaustedTold    atomic.Int64 // unix ns
	unread           atomic.Uint64
	unnamed          atomic.Uint64
	groups           atomic.Uint64
	unlogged         atomic.Uint64
	injected         [injectedResults]atomic.Uint64
	uninjected       [uninjectedReasons]atomic.Uint64
	invalidateErrors atomic.Uint64
	adapted          [policy.Enforce + 1]atomic.Uint64 // by mode
	changed          atomic.Uint64
	unchanged        atomic.Uint64
	renewed          atomic.Uint64
	scopeBypass      [scope.Reasons]atomic.Uint64
}

func (c *counters) limit(name string) {
	for i, n := range limitNames {
		if n == name {
			c.limits[i].Add(1)
			return
		}
	}
	c.limits[len(limitNames)-1].Add(1)
}

func (c *counters) notStored(why string) {
	for i, n := range notStoredNames {
		if n == why {
			c.refusedStore[i].Add(1)
		}
	}
}

// Stats are counts since New, by label.
type Stats struct {
	Uninspected      map[string]uint64 // GraphQL requests relayed unread, by reason
	Limits           map[string]uint64 // requests over a limit, refused or only counted, by limit
	NotStored        map[string]uint64 // answers not kept, by reason
	Invalid          uint64            // requests with errors in document or variables
	Exhausted        uint64            // fetch plans that are the best found when the search ran out of work
	UnreadMutations  uint64            // mutations whose answer could not be read: their types were invalidated
	Unnamed          uint64            // changes of which nothing told what they were: cache.unread_mutations was obeyed
	Injected         map[string]uint64 // fetches with injected keys, by result
	Uninjected       map[string]uint64 // requests that could have asked for keys and were sent as they came, by reason
	Groups           uint64            // answers whose Cache-Group-Invalidation was obeyed
	InvalidateErrors uint64
	Unlogged         uint64            // invalidations that the fleet's log did not have when the answer left
	Shortened        uint64            // lifetimes that became shorter by demand or changes
	WouldShorten     uint64            // and those that would have
	Changed          uint64            // refreshes that found another answer
	Unchanged        uint64            // and those that found the same
	Renewed          uint64            // entries that live on because the origin said so by 304
	ScopeBypass      map[string]uint64 // requests whose credentials give them no scope, by reason
}

// Stats returns a snapshot.
func (l *Line) Stats() Stats {
	s := Stats{
		Uninspected: map[string]uint64{}, Limits: map[string]uint64{}, NotStored: map[string]uint64{},
		Exhausted: l.stats.exhausted.Load(), Invalid: l.stats.invalid.Load(), UnreadMutations: l.stats.unread.Load(), Unnamed: l.stats.unnamed.Load(), Groups: l.stats.groups.Load(),
		Shortened: l.stats.adapted[policy.Enforce].Load(), WouldShorten: l.stats.adapted[policy.Observe].Load(),
		Changed: l.stats.changed.Load(), Unchanged: l.stats.unchanged.Load(), Renewed: l.stats.renewed.Load(),
		InvalidateErrors: l.stats.invalidateErrors.Load(), Unlogged: l.stats.unlogged.Load(), ScopeBypass: map[string]uint64{},
	}
	for i := scope.None + 1; i < scope.Reasons; i++ {
		s.ScopeBypass[i.String()] = l.stats.scopeBypass[i].Load()
	}
	s.Injected = make(map[string]uint64, injectedResults)
	for i, n := range injectedNames {
		s.Injected[n] = l.stats.injected[i].Load()
	}
	s.Uninjected = make(map[string]uint64, uninjectedReasons)
	for i, n := range uninjectedNames {
		s.Uninjected[n] = l.stats.uninjected[i].Load()
	}
	for i := ReasonNone + 1; i < reasons; i++ {
		s.Uninspected[i.String()] = l.stats.blind[i].Load()
	}
	for i, n := range limitNames {
		s.Limits[n] = l.stats.limits[i].Load()
	}
	for i, n := range notStoredNames {
		s.NotStored[n] = l.stats.refusedStore[i].Load()
	}
	return s
}

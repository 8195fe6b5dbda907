package execute

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/cachecontrol"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Keeping says what of the subgraphs' answers is kept: each entity by itself, and the root fields of a step together. An answer is kept for as
// long as its Cache-Control allows a shared cache to; what has none is not kept, unless a Rule gives it a time.
type Keeping struct {
	Store *cache.Store // nil: nothing is kept
	Rules []Rule       // by the index of the subgraph; for others the zero Rule holds
	// HoldOff is for how long after an invalidation what it names is kept as shortly: replicas of a subgraph's database may lag. 0: off.
	HoldOff time.Duration
}

// Rule is what is kept of one subgraph. The zero Rule goes by the subgraph's headers alone.
type Rule struct {
	Off bool
	TTL time.Duration // of answers without Cache-Control; 0: not kept
	Max time.Duration // bound of all; 0: none
	// Private: what the subgraph calls private is kept for the verified user who asked, and for nobody else.
	Private bool
}

// Tags of our own begin with @, and are longer than what a subgraph's entity could give.
const subgraphPrefix = "@subgraph:"

const (
	partIdentity = iota + 1
	partRepresentation
	partName
	partValue
	partCaller
	partUser
)

const (
	maxKeptTags = 1000
	// parallelReads is how many reads of the shared tier are under way for one step.
	parallelReads = 32
	// unkeptFor is how long nothing is looked for, or offered, under an identity whose answer was not to be kept.
	unkeptFor   = 10 * time.Second
	unkeptCells = 1 << 10
	// privateFor is how long it is remembered that what an identity brings is private.
	privateFor = 10 * time.Minute
)

// keeper is a Keeping with what was learnt.
type keeper struct {
	Keeping
	// unkept is until when, in unix ns, identities of that hash are passed over; two that share a cell only make each other wait.
	unkept [unkeptCells]atomic.Int64
	// private is until when what identities of that hash bring is looked for, and kept, for the user alone. One that is public and shares a cell is
	// kept for each user, too.
	private [unkeptCells]atomic.Int64
}

func newKeeper(k Keeping) *keeper {
	if k.Store == nil {
		return nil
	}
	return &keeper{Keeping: k}
}

func cellOf(id *planner.FetchIdentity) int { return (int(id[0])<<8 | int(id[1])) % unkeptCells }

// remember notes until when something holds for all that a step asks for.
func remember(cells *[unkeptCells]atomic.Int64, step *planner.FetchStep, until int64) {
	cells[cellOf(&step.Identity)].Store(until)
	for l := range step.Lookups {
		cells[cellOf(&step.Lookups[l].Identity)].Store(until)
	}
}

// privately reports whether what has an identity is looked for under the user's own key.
func (k *keeper) privately(subgraph int, id *planner.FetchIdentity, now int64) bool {
	return k.rule(subgraph).Private && k.private[cellOf(id)].Load() > now
}

func (k *keeper) rule(subgraph int) (r Rule) {
	if subgraph < len(k.Rules) {
		r = k.Rules[subgraph]
	}
	return r
}

// wants reports whether to look for what has an identity, for a user or for somebody unknown.
func (k *keeper) wants(subgraph int, id *planner.FetchIdentity, user []byte, now int64) bool {
	return k != nil && !k.rule(subgraph).Off && k.unkept[cellOf(id)].Load() < now && (len(user) > 0 || !k.privately(subgraph, id, now))
}

// life is how long an answer with that head may be kept, 0: not at all; private: by the client's own cache alone.
func (k *keeper) life(subgraph int, h *wire.ResponseHead) (ttl time.Duration, private bool) {
	rule := k.rule(subgraph)
	if rule.Off || h.Count("set-cookie") > 0 || h.Count("cache-control") > 1 || string(h.Header("vary")) == "*" {
		return 0, false
	}
	c := cachecontrol.Parse(h.Header("cache-control"))
	if c.NoStore || c.NoCache {
		return 0, false
	}
	ttl, told := c.TTL()
	switch {
	case c.Private:
		ttl = time.Duration(c.MaxAge) * time.Second // s-maxage is for others
	case !told:
		ttl = rule.TTL
	}
	ttl -= time.Duration(cachecontrol.Seconds(h.Header("age"))) * time.Second
	if rule.Max > 0 {
		ttl = min(ttl, rule.Max)
	}
	return max(0, ttl), c.Private
}

// sought is one thing that is looked for in the cache: an entity, or the root fields of a step.
type sought struct {
	key   cache.Key
	found cache.Result
	own   bool // the key is the user's
	// start and end are where the answer has it; end 0: it did not come.
	start, end int
}

// look looks for all of them. Reads of the shared tier go side by side.
func (k *keeper) look(ctx context.Context, list []sought, now int64) {
	if !k.Store.Shared() {
		for i := range list {
			list[i].found = k.Store.Lookup(ctx, &list[i].key, now, cache.Wait{})
		}
		return
	}
	var missing []int
	for i := range list {
		if e, state := k.Store.Get(&list[i].key, now); state == cache.Fresh {
			list[i].found = cache.Result{Entry: e, State: state, Tier: cache.TierL1}
		} else {
			missing = append(missing, i)
		}
	}
	read := func(i int) { list[i].found = k.Store.Lookup(ctx, &list[i].key, now, cache.Wait{}) }
	if len(missing) == 1 {
		read(missing[0])
		return
	}
	var all sync.WaitGroup
	var next atomic.Int64
	for range min(len(missing), parallelReads) {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(missing); n = int(next.Add(1)) - 1 {
				read(missing[n])
			}
		})
	}
	all.Wait()
}

// hit is the content that may be used in place of a fetch. An entry that this caller is to refresh counts as missing.
func (s *sought) hit() []byte {
	if s.found.State != cache.Fresh || s.found.Fill != nil {
		return nil
	}
	return s.found.Entry.Body
}

// giveUp abandons the fill, if there is one.
func (s *sought) giveUp() {
	if s.found.Fill != nil {
		s.found.Fill.Abandon(0)
	}
	s.found = cache.Result{}
}

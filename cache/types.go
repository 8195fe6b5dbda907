package cache

import (
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// Key is the full SHA-256 digest that identifies an entry.
type Key = key.Key

// KeyWriter builds a Key from length-prefixed, type-tagged parts: Reset, Part, Uint, Sum; Mark and Return for keys with a beginning in common. It is reusable, allocates
// nothing after warm-up and is not safe for concurrent use.
type KeyWriter = key.Writer

// Position is a point of the invalidation log.
type Position = entry.Position

// Entry is one stored answer; immutable, readers must not write to it.
type Entry = entry.Entry

// Tags is the list of an entry's tag names; it is a TagSource.
type Tags = entry.Tags

// TagSource is a list of tag names that the callee reads during the call and does not keep.
type TagSource interface {
	Len() int
	At(i int) []byte
}

// State says what a look-up found.
type State uint8

// States of a look-up.
const (
	Miss  State = iota // nothing that may be served
	Fresh              // may be served as it is
	Stale              // may be served only as a stale answer (Get: ask Lookup, which may let the caller refresh)
)

// String returns the state in lower case.
func (s State) String() string {
	switch s {
	case Fresh:
		return "fresh"
	case Stale:
		return "stale"
	default:
		return "miss"
	}
}

// Tier says where an entry was found.
type Tier uint8

// Tiers.
const (
	TierNone Tier = iota
	TierL1        // this process
	TierL2        // Redis
)

// Reason says why nothing could be served.
type Reason uint8

// Reasons.
const (
	Absent       Reason = iota // nothing under the key
	Expired                    // past its hard expiry
	Invalid                    // invalidated
	Disconnected               // too old to be served without contact to the log
	ClockJumped                // from the future
	Unanswered                 // another caller's fill gave nothing in time
)

// Wait bounds what Lookup may wait for beside the shared tier's own budget.
type Wait struct {
	// Collapse is how long to wait for another caller's fill of the same key. 0: do not wait.
	Collapse time.Duration
	// Lease says that one process of the fleet shall fetch a key that is in demand; without Redis it means nothing.
	Lease bool
	// Missed says that the caller has just got a Miss from Get: only what came since is looked for in this process.
	Missed bool
	// Spare is the Fill of an earlier look-up of this caller, which it has completed or abandoned; its memory may serve again. nil: none.
	Spare *Fill
}

// Result is the answer of Lookup.
type Result struct {
	Entry     *Entry // nil on a miss
	State     State
	Tier      Tier
	Collapsed bool   // Entry is another caller's fill that this caller waited for
	Why       Reason // of a miss
	Bypass    bool   // the key is marked as not cacheable: fetch, and do not offer the answer
	// Elsewhere says that another process of the fleet fetches: a stale Entry may answer meanwhile.
	Elsewhere bool
	// Fill is non-nil when this caller leads the fill of the key (also beside a Stale or Fresh entry: a refresh). It must be
	// completed or abandoned exactly once; later calls do nothing.
	Fill *Fill

	demand bool // the entry under the key has answered before
}

// Draft is an answer offered for storing. All slices and tags are copied.
type Draft struct {
	Head, Body  []byte
	TTL         time.Duration // fresh for; not positive: not stored
	StaleFor    time.Duration // may be served stale for this long after TTL; ignored for Private
	Ahead       time.Duration // before the end of TTL at least, one caller is let refresh
	FetchMicros uint32        // how long the fetch took, µs; drives early refresh
	Worth       int64         // what the fill cost, pico-USD; opaque here
	Negative    bool
	Private     bool
	Tags        TagSource // nil: none
	// TimesOnly says that of the entry which Complete returns only numbers and times are wanted: the content may leave at once, and its memory serve others.
	TimesOnly bool

	unkept int // bytes of a body that a simulation only tells of
}

// Invalidation names what must no longer be served. Names match exactly, prefixes match the beginning of names, and in patterns * stands
// for any run of bytes.
type Invalidation struct {
	Tags, Prefixes, Patterns []string
	// Soft makes entries stale instead of gone (not Private ones: those are gone).
	Soft bool
	// All means every entry.
	All bool
}

// Receipt says how far an invalidation has come when Invalidate returns. This process obeys it in every case.
type Receipt struct {
	Position Position // its place in the log; zero while unknown
	Logged   bool     // it is in the fleet's log (without Redis: in this process's own)
	Shared   bool     // a fleet's log is configured
}

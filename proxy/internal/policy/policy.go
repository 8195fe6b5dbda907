package policy

import (
	"fmt"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/feed"
	"github.com/weirproxy/weir/proxy/internal/outward"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// Mode says what happens when a rule applies.
type Mode uint8

// Modes.
const (
	Off     Mode = iota
	Observe      // counted
	Enforce      // counted and refused
)

var modeNames = [...]string{"off", "observe", "enforce"}

// String returns the name used in configuration.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "unknown"
}

// ParseMode reads a mode's name.
func ParseMode(name string) (Mode, bool) {
	for i, n := range modeNames {
		if n == name {
			return Mode(i), true
		}
	}
	return Off, false
}

// Authorization says what becomes of operations that ask for what their caller may not have, and which verified claims say what that is.
type Authorization struct {
	Reject           bool // the whole request; otherwise what he may not have is null
	Scopes, Policies scope.Claim
}

// Policy is what one request obeys. It is immutable.
type Policy struct {
	Version uint64 // of the configuration that was pushed; 0: from the file
	Hash    string // of the configuration document
	Service string

	Paths         [][]byte // of the GraphQL endpoint
	Strict        bool     // refuse what parsers differ about instead of splicing it
	MaxBody       int      // bytes of a body that is read
	MaxBatch      int      // operations
	BatchMode     Mode
	Validation    Mode
	Variables     Mode
	Introspection Mode
	GetMutation   Mode
	InspectWait   time.Duration // a body that takes longer is relayed unread
	Draft2026     bool
	Expose        bool
	AnswerErrors  bool // answer requests that are not well-formed instead of relaying them

	Breaker       Breaker
	Cache         Cache
	ClientHeaders []string // in lower case, in order of preference
	Scope         *scope.Rules
	Plans         *planner.Cache
	Executor      *execute.Executor // answers operations from subgraphs, by the plans above; nil: they are relayed to an upstream
	Subscriptions Subscriptions
	Sockets       Sockets
	Authorization Authorization
	Defer         bool // what an operation defers is answered later, to a client that takes it
	Limits        Limits
	Leases        Leases
	Deadlines     Deadlines

	keyPart []byte
}

// Breaker says what becomes of requests while the upstream fails. With Observe those that have a stale entry are answered from it, and the
// others go to the upstream all the same; with Enforce they are refused.
type Breaker struct {
	Mode  Mode
	Rules breaker.Rules
}

// Subscriptions says how those of a supergraph reach its subgraphs and its clients.
type Subscriptions struct {
	Hub  *feed.Hub     // its targets are the subgraphs; nil: there is no supergraph
	Beat time.Duration // after which a client without an event gets a sign of life
}

// Sockets says how clients may speak to a supergraph over WebSockets.
type Sockets struct {
	On         bool
	Init       time.Duration // up to connection_init
	Operations int           // of one socket, under way at a time
	Headers    []string      // in lower case, that connection_init may set for the operations
	Defer      string        // the form in which what is deferred comes, as a parameter of Accept; empty: with the rest
	Forward    bool          // a subgraph gets the payload of connection_init
	Origins    []string      // hosts of pages, or patterns of path.Match, whose browsers may add credentials to the handshake; the sidecar's own is one
}

// Cache is the policy of the cache.
type Cache struct {
	Enabled              bool
	UpstreamHeaders      bool // Cache-Control of the upstream restricts, and without hints grants
	MaxTTL               time.Duration
	AuthenticatedMax     time.Duration // after everything else, for answers to verified credentials
	StaleIfError         time.Duration
	StaleErrorCodes      []string      // of GraphQL errors that count as a failure of the upstream; AnyCode among them: all; empty: none
	StaleAfter           time.Duration // an upstream that has not begun its answer by then has failed, where there is a stale one; 0: never
	StaleWhileRevalidate time.Duration
	NegativeTTL          time.Duration
	FleetLease           bool // one sidecar of the fleet fetches what is in demand
	Adaptive             Adaptive
	HoldOff              time.Duration // for how long after an invalidation what it names is kept as shortly; 0: off
	HitForMiss           time.Duration // how long an uncacheable answer keeps requests from waiting for each other
	Collapse             time.Duration // how long to wait for another request's answer
	MaxEntry             int           // bytes
	Vary                 []string      // request headers in the key, in lower case
	Outward              outward.Policy
	ExposeKey            bool // Cache-Status names the entry
	Trace                bool // cost events name the entry
	Tags                 Tags
	UnreadMutations      Unread
	InjectKeys           bool // ask the upstream for the keys of entities that a query does not select
}

// AnyCode stands for all codes of GraphQL errors, and for none.
const AnyCode = "*"

// Unread says what is invalidated when a request may have been a mutation that could not be read, or whose answer names nothing.
type Unread uint8

// What goes.
const (
	UnreadTypes      Unread = iota // all types that queries return
	UnreadEverything               // all entries
	UnreadCount                    // nothing; it is counted
)

// ParseUnread reads a name of configuration.
func ParseUnread(name string) (Unread, bool) {
	for i, n := range []string{"types", "everything", "count"} {
		if n == name {
			return Unread(i), true
		}
	}
	return UnreadTypes, false
}

// Tags says which tags of the upstream's answers are read. An answer with one that is not usable is not kept.
type Tags struct {
	Headers    []string // in lower case
	Extensions bool
	Max        int // tags of one answer
	MaxLength  int // bytes
	// Invalidation: obey Cache-Group-Invalidation.
	Invalidation bool
}

// Limits are the modes of the structural limits; their maxima are the plans' own.
type Limits struct {
	Tokens, Depth, Aliases, RootFields, Directives, ExpandedFields Mode
}

// Deadlines bound the phases of a connection; 0 is no bound.
type Deadlines struct{ Head, Body, Idle, Write, Connect time.Duration }

// LimitMode returns the mode of a structural limit by the planner's name.
func (p *Policy) LimitMode(limit string) Mode {
	switch limit {
	case "tokens":
		return p.Limits.Tokens
	case "depth":
		return p.Limits.Depth
	case "aliases":
		return p.Limits.Aliases
	case "root_fields":
		return p.Limits.RootFields
	case "directives":
		return p.Limits.Directives
	case "expanded_fields":
		return p.Limits.ExpandedFields
	}
	return Off
}

// KeyPart returns what of the policy is part of every cache key: the service, the headers in the key and how scopes are told.
func (p *Policy) KeyPart() []byte { return p.keyPart }

// Seal makes a policy that was put together by hand ready for use.
func (p *Policy) Seal() *Policy {
	k := append([]byte(nil), p.Service...)
	for _, v := range p.Cache.Vary {
		k = append(append(k, 0), v...)
	}
	// Entries that were stored without a tag could not be found by it.
	k = fmt.Appendf(append(k, 0, 0), "%q%t", p.Cache.Tags.Headers, p.Cache.Tags.Extensions)
	p.keyPart = p.Cache.Outward.Describe(append(append(k, 0, 0), p.Scope.Describe()...))
	return p
}

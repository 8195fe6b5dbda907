package line

import (
	"net/netip"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/ledger"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/telemetry"
	"github.com/weirproxy/weir/telemetry/event"
)

// Action is what the line wants done with a request.
type Action uint8

// Actions.
const (
	Relay  Action = iota // send the received bytes to the upstream, and show the answer to Watch and Finish
	Answer               // every operation has an entry: write them
	Refuse               // write the refusal
	Stream               // write the head by AppendAnswer, and let Stream write the body
)

// Exchange is the record of one request. The zero value is ready for Begin.
type Exchange struct {
	Policy  *policy.Policy
	Peer    netip.Addr // of the client's connection; not valid: a unix socket
	Scope   scope.Scope
	Media   answer.Media
	GraphQL bool // the request carries operations that were read
	Head    bool // HEAD: looked up like GET, never filled
	Get     bool // parameters came in the target
	Batch   bool
	// Refresh asks for a fetch of the same request in the background after the answer is written: the entry is stale or near its end
	// and this exchange leads the fill.
	Refresh bool
	// Injected says that the entry was fetched for this request, with keys that the answer no longer has.
	Injected bool
	// Executed says that the answer was made from those of subgraphs.
	Executed bool
	// Parts is how the client takes what an operation defers; Whole: not later than the rest.
	Parts execute.Format
	// Leash ends fetches from subgraphs when the client leaves; nil: they go on.
	Leash *subgraph.Leash
	// Breaker is that of the upstream; nil: none is asked.
	Breaker *breaker.Breaker
	// Unasked says that the breaker is open, so that a stale entry answers without a look at the upstream.
	Unasked bool
	// Erred says that a stale entry takes the place of an answer with GraphQL errors.
	Erred   bool
	Refusal Refusal

	Items []Item

	Begin     int64 // unix ns
	Forwarded int64 // unix ns at which the request went to the upstream; 0: it did not
	BytesIn   int64
	BytesOut  int64
	Status    int
	Fetches   int // upstream calls

	client     string
	trace      [16]byte
	batch      [][]byte
	keys       cache.KeyWriter
	vary       []byte            // what of the head is in the key, length-prefixed
	learnt     []byte            // values of an item's learnt headers
	scratch    []byte            // decoded document or parameters
	lines      []byte            // header lines to store
	said       said              // by the last answer
	order      []int32           // of tags in them
	stored     []byte            // head of an entry
	detail     []byte            // why the entry lives as long as it does
	decode     []byte            // an answer's content without content coding
	plain      []byte            // a batch's answer
	executed   []byte            // an answer of ours
	fresh      execute.Freshness // of it
	points     []int64           // of fetches
	execution  execute.Request
	rights     rights
	money      []byte // cost in decimal
	streaming  streaming
	eventParts bool   // parts come as events
	initial    []byte // payload of connection_init; nil: none
	events     int64  // of a subscription that the client got
	worked     int64  // ns in which they were made
	done       bool   // events were emitted
	lost       bool   // the answer did not come
	blind      Reason // why the request is relayed unread
	copy       *Copy  // of the body of such a request; nil: none
	unknown    bool   // it may have been a mutation
	unsafe     bool   // a method that may change something (RFC 9110, section 9.2.1)
	told       bool   // and what that means was invalidated once
	unlogged   bool   // the fleet's log does not have yet what was invalidated for it
}

// Refusal is an answer that says no, in place of a relay.
type Refusal struct {
	Code       codes.Code
	Class      planner.Class // of errors in the document; 0: the code tells
	Errors     []planner.Error
	Status     int
	Allow      string
	RetryAfter int
}

// Item is one operation of a request.
type Item struct {
	Plan    *planner.Plan
	fetches *planner.FetchPlan // of a supergraph
	Lease   *policy.Lease
	Entry   *cache.Entry // to answer with; or, when State is Stale and the request was relayed, the fallback
	State   cache.State
	Status  telemetry.CacheStatus
	Code    codes.Code
	Errors  uint16

	request   planner.Request
	values    planner.Values
	tags      planner.Tags
	key       cache.Key
	fill      *cache.Fill
	spare     *cache.Fill  // the last one, when it is no longer used
	prior     *cache.Entry // what the fill renews; nil: nothing that is known
	kept      *cache.Entry // the entry that the relayed answer has become; nil: none
	class     scope.Class  // of who shares the answer
	group     []byte       // the hash of those, nil for everybody
	outcome   ledger.Outcome
	learnt    *planner.Learnt
	variant   uint64 // by learnt headers
	ops       int64  // cache operations
	priced    int64  // unix ns for which record was filled when the answer was kept; 0: it was not
	points    int64  // cost of the operation once it is known; 0: not yet
	collapsed bool
	coerced   bool
	// mismatched says that the hash beside the document is not the document's.
	mismatched bool
	series     *telemetry.Series
	record     telemetry.Record
	subgraphs  []event.Subgraph // what the operation took of them
}

// reset keeps the memory of the exchange and forgets everything else.
func (x *Exchange) reset() {
	for i := range x.Items {
		x.Items[i].forget()
	}
	x.Items = x.Items[:0]
	x.Policy = nil
	x.Peer = netip.Addr{}
	x.Scope = scope.Scope{}
	x.Media = answer.MediaJSON
	x.GraphQL, x.Head, x.Get, x.Batch, x.Refresh, x.done, x.lost = false, false, false, false, false, false, false
	x.Refusal = Refusal{}
	x.Begin, x.Forwarded, x.BytesIn, x.BytesOut = 0, 0, 0, 0
	x.Status, x.Fetches = 0, 0
	x.streaming, x.events, x.worked, x.Parts = streamNothing, 0, 0, execute.Whole
	if x.Executed = false; x.rights.policy != nil { // subgraphs were to be asked
		x.rights, x.execution, x.fresh = rights{}, execute.Request{}, execute.Freshness{}
	}
	x.client, x.trace, x.initial, x.eventParts = "", [16]byte{}, nil, false
	x.Breaker, x.Unasked, x.Erred, x.Leash = nil, false, false, nil
	x.blind, x.copy, x.unknown, x.told, x.unsafe, x.unlogged, x.Injected = ReasonNone, nil, false, false, false, false, false
}

// forget drops what the item refers to and keeps its scratch memory.
func (it *Item) forget() {
	it.fetches = nil
	it.Plan, it.Lease, it.Entry, it.fill, it.prior, it.kept, it.series = nil, nil, nil, nil, nil, nil, nil
	it.class, it.group, it.learnt, it.variant = scope.Public, nil, nil, 0
	it.State, it.Status, it.Code, it.Errors, it.outcome = cache.Miss, 0, 0, 0, ledger.None
	it.request = planner.Request{}
	it.values.Reset()
	it.tags.Reset()
	it.subgraphs = it.subgraphs[:0]
	it.ops, it.points, it.priced, it.collapsed, it.coerced, it.mismatched = 0, 0, 0, false, false, false
	it.record = telemetry.Record{}
}

// next adds an item, with the memory of an earlier one where there is one.
func (x *Exchange) next() *Item {
	if len(x.Items) < cap(x.Items) {
		x.Items = x.Items[:len(x.Items)+1]
	} else {
		x.Items = append(x.Items, Item{})
	}
	return &x.Items[len(x.Items)-1]
}

// Leads reports whether the answer of this request is awaited by the cache.
func (x *Exchange) Leads() bool {
	for i := range x.Items {
		if x.Items[i].fill != nil {
			return true
		}
	}
	return false
}

// Mutates reports whether an operation of the request is a mutation.
func (x *Exchange) Mutates() bool {
	for i := range x.Items {
		if p := x.Items[i].Plan; p != nil && p.Kind() == planner.KindMutation {
			return true
		}
	}
	return false
}

// abandon gives up all fills.
func (x *Exchange) abandon() {
	for i := range x.Items {
		if f := x.Items[i].fill; f != nil {
			f.Abandon(0)
			x.Items[i].fill = nil
		}
	}
}

package execute

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/proxy/internal/wire"
	"github.com/weirproxy/weir/telemetry/event"
)

// Config sets up an Executor.
type Config struct {
	Clients []*subgraph.Client // by the index of the subgraph; nil: it has no address
	// Total bounds a whole operation; its fetches are bounded by their clients. Default 30 s.
	Total time.Duration
	// Headers says which lines the requests to the subgraphs have; nil: none of the client's.
	Headers *forward.Set
	// Mask replaces what subgraphs say in errors.
	Mask bool
	Keep Keeping
	// Memo: an entity is not asked for again when the same subgraph has answered the same fields of it in this request already.
	Memo bool
	// Join lets queries that are the same, those who ask included, have the answer of one that is under way.
	Join    bool
	Budgets *Budgets // nil: none
}

// Executor is safe for concurrent use.
type Executor struct {
	cfg    Config
	varies []string
	open   bool    // it varies by others, too
	keeper *keeper // nil: nothing is kept
	joints *joints // nil: each request is executed
	runs   sync.Pool
}

// New returns an executor; it does not own the clients.
func New(cfg Config) *Executor {
	if cfg.Total <= 0 {
		cfg.Total = 30 * time.Second
	}
	if cfg.Headers == nil {
		cfg.Headers = new(forward.Set)
	}
	e := &Executor{cfg: cfg, keeper: newKeeper(cfg.Keep)}
	e.varies, e.open = cfg.Headers.Varies()
	if cfg.Join {
		e.joints = new(joints)
	}
	e.runs.New = func() any { return new(run) }
	return e
}

// Stats tells what an execution took.
type Stats struct {
	Fetches int
	Shared  int // fetches that were not made: the answer to an identical one was under way
	Kept    int // entities, and steps of root fields, that the cache had
	Errors  int // in the answer
	Bytes   int // received as content
	Fresh   Freshness
}

// Request is an operation that is to be executed. What else comes to decide over its answer belongs into Executor.appendKey.
type Request struct {
	Plan   *planner.FetchPlan
	Values *planner.Values
	Head   *wire.RequestHead // the client's; nil: none
	Claims *scope.Claims     // of its verified token, where Executor.Claims asks for them; nil: it has none
	// User stands for the verified user who asks, where Executor.Private asks for it; nil: nobody is known. Tenant is the user's.
	User   []byte
	Tenant string
	Trace  [16]byte // id of a trace that begins with it
	// Breaker are the rules of the subgraphs' breakers; nil: they are not asked. Refuse: a subgraph whose breaker is open is not asked.
	Breaker *breaker.Rules
	Refuse  bool
	// Event is what a subgraph sent as one event of the plan's subscription, data and errors as in an answer: it stands for the answer to the
	// subscription, which is not sent, and the steps after it are run. What they ask is neither shared nor kept, as an event tells of a change.
	// The memory is the caller's, and read until Execute returns; several executions may read the same. nil: there is none.
	Event []byte
	// Points are what each step of the plan costs before it is sent; nil: nobody needs them.
	Points []int64
	// Uses get what the operation takes of each subgraph it needs. The memory is the caller's.
	Uses []event.Subgraph
	// Fresh asks for Stats.Fresh; Tags get the names by which an invalidation finds what is in the answer: nil: nobody needs them. The memory is the
	// caller's.
	Fresh bool
	Tags  *planner.Tags
	Leash *subgraph.Leash // ends the fetches of a query when its client leaves, never those of a mutation; nil: nothing does
}

// Claims tells whether requests need the claims of their callers.
func (e *Executor) Claims() bool { return e.cfg.Headers.Claims() }

// Private tells whether something is kept for a user alone.
func (e *Executor) Private() bool {
	return e.keeper != nil && slices.ContainsFunc(e.keeper.Rules, func(r Rule) bool { return r.Private })
}

// Varies returns the client's headers that an answer may depend on; open: there may be others.
func (e *Executor) Varies() (names []string, open bool) { return e.varies, e.open }

// Creates tells whether a request without trace context begins a trace.
func (e *Executor) Creates() bool { return e.cfg.Headers.Creates() }

// Execute appends the body of the client's answer to dst. The answer tells of all that went wrong; there is no other error. q is not kept.
func (e *Executor) Execute(ctx context.Context, q *Request, dst []byte) ([]byte, Stats) {
	if e.joints != nil && len(q.Plan.Steps) > 0 && !changes(q.Plan) {
		return e.executeJointly(ctx, q, dst)
	}
	return e.execute(ctx, q, q.Leash, dst)
}

// Subscription appends to payload what subscribes to the events of the plan, JSON with query and variables, and returns the header lines that the
// subgraph gets, each with its CRLF, without trace context: with the subgraph's index these are all that its events may depend on. Steps says false
// when there is nothing to subscribe to, as all is skipped or denied: Execute answers such an operation.
func (e *Executor) Subscription(q *Request, payload []byte) (subgraph int, body, lines []byte, steps bool) {
	i := slices.IndexFunc(q.Plan.Steps, func(s planner.FetchStep) bool { return s.Kind == planner.FetchSubscription })
	if i < 0 {
		return 0, payload, nil, false
	}
	r := e.runs.Get().(*run)
	r.begin(e, context.Background(), q, nil)
	step := &q.Plan.Steps[i]
	r.writeBody(step, r.calls[i])
	l := r.linesFor(step.Subgraph)
	payload, lines = append(payload, r.body...), slices.Clone(l.text[:l.own])
	r.end()
	e.runs.Put(r)
	return step.Subgraph, payload, lines, true
}

func (e *Executor) execute(ctx context.Context, q *Request, leash *subgraph.Leash, dst []byte) ([]byte, Stats) {
	r := e.runs.Get().(*run)
	r.begin(e, ctx, q, leash)
	r.fetch()
	dst = r.answer(dst)
	stats := r.stats
	stats.Errors, stats.Fresh = len(r.errors), r.freshness()
	if q.Plan.Mutates() {
		e.bar()
	}
	r.end()
	e.runs.Put(r)
	return dst, stats
}

// bar keeps what is asked from now on from sharing answers of before a mutation.
func (e *Executor) bar() {
	for _, c := range e.cfg.Clients {
		if c != nil {
			c.Bar()
		}
	}
}

// barred is how often one of the clients was barred.
func (e *Executor) barred() (n uint64) {
	for _, c := range e.cfg.Clients {
		if c != nil {
			n += c.Barred()
		}
	}
	return n
}

// news grows with what a request must not be behind of.
func (e *Executor) news() uint64 {
	if e.cfg.Keep.Store == nil {
		return 0
	}
	return e.cfg.Keep.Store.News()
}

package line

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/adapt"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/ledger"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/usage"
	"github.com/weirproxy/weir/proxy/internal/wire"
	"github.com/weirproxy/weir/telemetry"
)

// Config is what the requests of a sidecar share.
type Config struct {
	// Policy returns the policy in force; a request calls it once.
	Policy    func() *policy.Policy
	Cache     *cache.Store // nil: no cache
	Telemetry *telemetry.Telemetry
	Usage     *usage.Table // nil: who uses which fields is not counted
	// Exhausted hears, no more than once a minute, of an operation for whose fetches no better plan was found before the work ran out; nil: nobody does.
	Exhausted func(operation, hash string)
}

// Line runs the stages. It is safe for concurrent use, each Exchange by one goroutine at a time.
type Line struct {
	cfg    Config
	stats  counters
	copied atomic.Int64 // bytes that all copies of bodies may hold
	ledger ledger.Ledger
	subs   subscriptions
	rates  *adapt.Rates // at which the answers of operations change
	views  *adapt.Views // of keys
}

// New returns a line.
func New(cfg Config) *Line { return &Line{cfg: cfg, rates: new(adapt.Rates), views: new(adapt.Views)} }

// Begin starts the record of a request: policy, class, client and trace. now is unix ns.
func (l *Line) Begin(x *Exchange, h *wire.RequestHead, now int64) (Class, Reason) {
	x.reset()
	x.Policy = l.cfg.Policy()
	x.Begin = now
	x.unsafe = !safe(h.Method)
	class, reason := Classify(x.Policy, h)
	if class == Other {
		return class, reason
	}
	x.Head = h.Method == wire.MethodHead
	x.Get = class == Get
	x.Media = negotiate(h)
	x.trace = traceID(h.Header("traceparent"))
	for _, name := range x.Policy.ClientHeaders {
		if v := h.Header(name); len(v) > 0 {
			x.client = l.cfg.Telemetry.Intern(v)
			break
		}
	}
	if class == Blind {
		l.Blind(x, reason)
		switch {
		case reason == ReasonMedia && x.Policy.AnswerErrors:
			x.Refusal = Refusal{Code: codes.UnsupportedMedia}
			l.refuse(x)
		case reason == ReasonBody && x.Policy.Strict:
			x.Refusal = Refusal{Code: codes.BodyTooLarge}
			l.refuse(x)
		}
	}
	return class, reason
}

// Blind makes the exchange one operation of which nothing is known, to be relayed unread.
func (l *Line) Blind(x *Exchange, reason Reason) {
	x.abandon()
	for i := range x.Items {
		x.Items[i].forget()
	}
	x.Items = x.Items[:0]
	x.next()
	x.GraphQL, x.Batch, x.Refresh = false, false, false
	x.blind = reason
	l.stats.blind[reason].Add(1)
}

// Decide runs plan, gate and look-up over a request whose body (nil for GET) is here in whole. It may wait for the cache, within the
// cache's budgets. A Reason other than ReasonNone means: relay, nothing was read.
func (l *Line) Decide(ctx context.Context, x *Exchange, h *wire.RequestHead, body []byte, now int64) (Action, Reason) {
	reason := l.envelope(x, h, body)
	if reason == ReasonNone && x.Refusal.Code == codes.None {
		x.GraphQL = true
		reason = l.plan(x, now)
	}
	if x.Refusal.Code != codes.None {
		return l.refuse(x), ReasonNone
	}
	if reason != ReasonNone && x.Policy.Executor != nil {
		return l.unreadable(x, reason), ReasonNone
	}
	if reason != ReasonNone {
		l.Blind(x, reason)
		return Relay, reason
	}
	if l.gate(x, now); x.Refusal.Code != codes.None {
		return l.refuse(x), ReasonNone
	}
	if l.lookup(ctx, x, h, now) {
		return Answer, ReasonNone
	}
	if x.Policy.Executor != nil {
		return l.execute(ctx, x, h, now), ReasonNone
	}
	return Relay, ReasonNone
}

// refuse settles what the items of a refused request say in their events.
func (l *Line) refuse(x *Exchange) Action {
	x.abandon()
	if len(x.Items) == 0 {
		x.next()
	}
	for i := range x.Items {
		it := &x.Items[i]
		it.Status, it.Code = telemetry.Refused, x.Refusal.Code
		it.Errors = uint16(max(1, len(x.Refusal.Errors)))
	}
	return Refuse
}

// envelope reads the parameters of the request, or of each item of a batch.
func (l *Line) envelope(x *Exchange, h *wire.RequestHead, body []byte) Reason {
	if x.Get {
		var ok bool
		it := x.next()
		if x.scratch, ok = readParameters(h.Query(), &it.request, x.scratch); !ok {
			return ReasonEnvelope
		}
		return ReasonNone
	}
	if !planner.IsBatch(body) {
		return l.parse(x, x.next(), body)
	}
	p := x.Policy
	if p.BatchMode == policy.Off {
		return ReasonBatch
	}
	var err *planner.Error
	if x.batch, err = planner.SplitBatch(body, x.batch[:0]); err != nil {
		return l.malformed(x, body, err)
	}
	if len(x.batch) > p.MaxBatch {
		l.stats.limit("batch")
		if p.BatchMode == policy.Enforce {
			x.Refusal = Refusal{Code: codes.BatchTooLarge}
			return ReasonNone
		}
		return ReasonBatch
	}
	if len(x.batch) == 0 {
		return ReasonEnvelope
	}
	x.Batch = true
	for _, item := range x.batch {
		if reason := l.parse(x, x.next(), item); reason != ReasonNone || x.Refusal.Code != codes.None {
			return reason
		}
	}
	return ReasonNone
}

func (l *Line) parse(x *Exchange, it *Item, body []byte) Reason {
	if err := planner.ParseRequest(body, &it.request); err != nil {
		return l.malformed(x, body, err)
	}
	return ReasonNone
}

// malformed is a request that is not a well-formed GraphQL request: ours to answer only when policy says so. The draft of 2026 tells a
// body that is not JSON, status 400, from one that is not a request, 422.
func (l *Line) malformed(x *Exchange, body []byte, err *planner.Error) Reason {
	if !x.Policy.AnswerErrors {
		return ReasonEnvelope
	}
	x.Refusal = Refusal{Code: codes.BadRequest, Class: planner.ClassRequest, Errors: []planner.Error{*err}}
	if x.Policy.Draft2026 && !json.Valid(body) {
		x.Refusal.Status = http.StatusBadRequest
	}
	return ReasonNone
}

// plan finds or builds the plan of each item and coerces its variables.
func (l *Line) plan(x *Exchange, now int64) Reason {
	for i := range x.Items {
		it := &x.Items[i]
		if reason := l.planItem(x, it, now); reason != ReasonNone || x.Refusal.Code != codes.None {
			return reason
		}
	}
	return ReasonNone
}

func (l *Line) planItem(x *Exchange, it *Item, now int64) Reason {
	plans, r := x.Policy.Plans, &it.request
	switch {
	case len(r.Query) > 0:
		if it.Plan = plans.Lookup(r); it.Plan == nil {
			p, err := plans.Plan(r, now)
			if errors.Is(err, planner.ErrUnseenLimit) {
				return ReasonUnseen
			} else if err != nil {
				return ReasonEnvelope
			}
			it.Plan = p
		}
		// A hash beside a document must be that document's, else the origin refuses it: the gate holds, but no entry may answer.
		if len(r.APQHash) > 0 && (r.APQVersion != 1 || plans.LookupHash(r.APQHash, r.OperationName) != it.Plan) {
			it.mismatched = true
		}
	case len(r.APQHash) > 0 && r.APQVersion == 1:
		if it.Plan = plans.LookupHash(r.APQHash, r.OperationName); it.Plan == nil {
			return ReasonPersisted
		}
	case x.Policy.AnswerErrors && len(r.APQHash) == 0:
		x.Refusal = Refusal{
			Code: codes.BadRequest, Class: planner.ClassRequest,
			Errors: []planner.Error{{Message: "The request has no query.", Code: "BAD_REQUEST"}},
		}
		return ReasonNone
	default:
		return ReasonEnvelope
	}
	it.series = l.cfg.Telemetry.Series(it.Plan.Label())
	if errs := it.Plan.Errors(); len(errs) > 0 {
		l.invalid(x, errs, x.Policy.Validation)
		return ReasonNone
	}
	if errs := it.Plan.Coerce(r.Variables, &it.values); len(errs) > 0 {
		l.invalid(x, errs, x.Policy.Variables)
		return ReasonNone
	}
	it.coerced = true
	return ReasonNone
}

// invalid counts a request with errors and refuses it when the mode, or for documents that do not parse AnswerErrors, says so.
// Otherwise the request is relayed and the origin tells.
func (l *Line) invalid(x *Exchange, errs []planner.Error, mode policy.Mode) {
	l.stats.invalid.Add(1)
	class := errs[0].Class()
	if mode != policy.Enforce && !(x.Policy.AnswerErrors && class == planner.ClassParse) {
		return
	}
	x.Refusal = Refusal{Code: codeOf(class), Class: class, Errors: errs}
}

func codeOf(c planner.Class) codes.Code {
	switch c {
	case planner.ClassParse:
		return codes.ParseFailed
	case planner.ClassCoerce:
		return codes.BadUserInput
	case planner.ClassRequest:
		return codes.BadRequest
	}
	return codes.ValidationFailed
}

func operationHash(p *planner.Plan) (h [16]byte) {
	full := p.Hash()
	copy(h[:], full[:])
	return h
}

// RefusalStatus returns the status of the refusal.
func (x *Exchange) RefusalStatus() int {
	r := &x.Refusal
	if r.Status != 0 {
		return r.Status
	}
	if r.Class != 0 {
		return answer.Status(r.Class, x.Media, x.Policy.Draft2026)
	}
	return r.Code.Status()
}

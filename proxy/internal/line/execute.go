package line

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/http"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// keptExecuted is how much memory for answers of ours an exchange keeps.
const keptExecuted = 256 << 10

// execute answers all operations of the request from the subgraphs. It waits for them, within the executor's limits.
func (l *Line) execute(ctx context.Context, x *Exchange, h *wire.RequestHead, now int64) Action {
	if !l.authorise(x, h, now) {
		return Refuse
	}
	if cap(x.executed) > keptExecuted {
		x.executed = nil
	}
	if l.overBudget(x) {
		return l.refuse(x)
	}
	out := x.executed[:0]
	x.Forwarded = now
	x.prepare()
	if x.Items[0].Plan.Kind() == planner.KindSubscription && l.subscribes(x) {
		return Stream
	}
	if x.Items[0].fetches.Parts != nil {
		x.streaming = streamParts
		return Stream
	}
	for i := range x.Items {
		it := &x.Items[i]
		if x.Batch {
			out = append(out, "[,"[min(i, 1)])
		}
		x.executes(it)
		x.askFresh()
		var stats execute.Stats
		begin := len(out)
		out, stats = x.Policy.Executor.Execute(ctx, &x.execution, out)
		x.Fetches += stats.Fetches
		if x.execution.Fresh {
			x.fresh = x.restrict(stats.Fresh)
			if stats.Kept > 0 && l.cfg.Cache.DegradedAt(now) { // what it was made of may have been invalidated
				x.fresh = execute.Freshness{}
			}
		}
		it.subgraphs = x.execution.Uses
		it.Errors = uint16(min(stats.Errors, 1<<16-1))
		if it.Plan.Kind() == planner.KindMutation {
			l.changed(ctx, x, it, out[begin:], now)
		}
	}
	if x.Batch {
		out = append(out, ']')
	}
	x.executed, x.Executed = out, true
	if x.Items[0].Plan.Kind() == planner.KindSubscription || x.Media == answer.MediaStream && !x.Batch && !x.Head && answer.Accepts(h.Header("accept"), eventStream) {
		x.streaming = streamOne
		return Stream
	}
	return Answer
}

// executes makes an operation the one that is executed.
func (x *Exchange) executes(it *Item) {
	x.points = it.Plan.FetchPoints(it.fetches, &it.values, x.points[:0])
	q := &x.execution
	q.Plan, q.Values, q.Uses, q.Points = it.fetches, &it.values, it.subgraphs[:0], x.points
}

// prepare sets what the execution of all operations of the request has in common.
func (x *Exchange) prepare() {
	x.execution = execute.Request{Head: x.rights.head, Trace: x.traced(), Leash: x.Leash}
	if x.Policy.Executor.Claims() {
		x.execution.Claims = x.rights.verified()
	}
	if h := x.rights.head; h != nil && x.Policy.Executor.Private() {
		s := x.Policy.Scope.Resolve(h, x.Peer, x.rights.now)
		if id, ok := s.ID(scope.User); ok && s.Authenticated {
			x.execution.User, x.execution.Tenant = id, s.TenantID
		}
	}
	if b := &x.Policy.Breaker; b.Mode != policy.Off {
		x.execution.Breaker, x.execution.Refuse = &b.Rules, b.Mode == policy.Enforce
	}
}

// traced returns the trace id of the request's fetches; where the executor begins a trace, that of the request's events, too.
func (x *Exchange) traced() [16]byte {
	if x.trace == [16]byte{} && x.Policy.Executor.Creates() {
		binary.LittleEndian.PutUint64(x.trace[:8], rand.Uint64()|1)
		binary.LittleEndian.PutUint64(x.trace[8:], rand.Uint64())
	}
	return x.trace
}

// changed invalidates what a mutation changed, before its answer leaves. One with errors may have changed what its answer does not show.
func (l *Line) changed(ctx context.Context, x *Exchange, it *Item, body []byte, now int64) {
	l.finishItem(ctx, x, it, nil, body, now)
	if it.Errors == 0 {
		return
	}
	it.tags.Reset()
	it.Plan.AppendTypeTags(&it.tags)
	if it.tags.Len() > 0 {
		l.invalidate(ctx, x, it, now)
	}
	if it.Plan.Unnamed() {
		x.answersFor(l.unnamed(ctx, x.Policy, now))
	}
}

// unreadable is what becomes of a request that cannot be read and that nobody else could answer.
func (l *Line) unreadable(x *Exchange, reason Reason) Action {
	x.Refusal = Refusal{Code: codes.BadRequest, Class: planner.ClassRequest, Errors: []planner.Error{{
		Message: codes.BadRequest.Message(), Code: codes.BadRequest.String(),
	}}}
	switch reason {
	case ReasonPersisted:
		x.Refusal.Class, x.Refusal.Status = 0, http.StatusOK
		x.Refusal.Errors[0] = planner.Error{Message: "PersistedQueryNotFound", Code: "PERSISTED_QUERY_NOT_FOUND"}
	case ReasonUnseen:
		x.Refusal = Refusal{Code: codes.UnseenLimit, RetryAfter: 1}
	}
	return l.refuse(x)
}

// Orphan returns the refusal of a request that was not read, where nobody stands behind the sidecar to whom it could be relayed; None: somebody
// does.
func (x *Exchange) Orphan() (r Refusal) {
	if x.Policy == nil || x.Policy.Executor == nil {
		return r
	}
	switch x.blind {
	case ReasonNone:
		r.Code = codes.NotFound
	case ReasonBody:
		r.Code = codes.BodyTooLarge
	case ReasonSlow:
		r.Code = codes.BodyTimeout
	case ReasonPressure:
		r.Code, r.RetryAfter = codes.Overload, 1
	case ReasonMedia, ReasonMultipart, ReasonEncoding:
		r.Code = codes.UnsupportedMedia
	case ReasonPanic:
		r.Code = codes.Panic
	default:
		r.Code = codes.BadRequest
	}
	return r
}

// appendExecuted appends the head of an answer of ours.
func (x *Exchange) appendExecuted(dst []byte, h *wire.RequestHead, w *answer.Writer, k answer.Connection, now int64) (head, body []byte) {
	x.Status = http.StatusOK
	has := false
	if x.execution.Fresh {
		has = x.appendFresh(h)
	}
	f := answer.Failure{Connection: k, Status: x.Status, Media: x.Media.Type(), Body: x.executed, Head: true, Unlogged: x.unlogged}
	if x.execution.Fresh {
		f.Caching = x.lines
	}
	if f.Media == "" {
		f.Media = answer.MediaJSON.Type()
	}
	head = w.AppendFailure(dst, &f, now)
	if has || h != nil && h.Method == wire.MethodHead {
		return head, nil
	}
	return head, x.executed
}

package line

import (
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// rights is what the request's token says that its sender may have. The token is looked at when that is asked for the first time.
type rights struct {
	policy *policy.Policy
	head   *wire.RequestHead
	now    int64
	looked bool
	claims *scope.Claims
	until  int64 // unix ns at which they end; math.MaxInt64: never
}

// verified returns the claims of the token, nil when there is none that is good.
func (r *rights) verified() *scope.Claims {
	if !r.looked {
		r.looked = true
		if r.head != nil {
			r.claims, r.until = r.policy.Scope.VerifiedUntil(r.head, r.now)
		}
	}
	return r.claims
}

// Authenticated implements planner.Rights.
func (r *rights) Authenticated() bool { return r.verified() != nil }

// Scope implements planner.Rights.
func (r *rights) Scope(name string) bool {
	return r.Authenticated() && r.claims.Has(r.policy.Authorization.Scopes, name)
}

// Policy implements planner.Rights.
func (r *rights) Policy(name string) bool {
	return r.Authenticated() && r.claims.Has(r.policy.Authorization.Policies, name)
}

// authorise plans all operations of the request, so that none is executed when another is refused.
func (l *Line) authorise(x *Exchange, h *wire.RequestHead, now int64) (ok bool) {
	x.rights = rights{policy: x.Policy, head: h, now: now}
	x.Parts = x.takesParts(h)
	for i := range x.Items {
		it := &x.Items[i]
		if it.mismatched {
			l.unreadable(x, ReasonEnvelope)
			return false
		}
		if it.Plan.Kind() == planner.KindSubscription && !l.subscribable(x, h) {
			return false
		}
		plan, err := x.fetchesOf(it)
		if err != nil {
			x.Refusal = unanswerable("The subgraphs cannot answer this operation.")
			l.refuse(x)
			return false
		}
		if plan.TellExhausted() {
			l.exhausted(it, now)
		}
		if len(plan.Denied) > 0 && x.Policy.Authorization.Reject {
			x.Refusal = Refusal{Code: codes.Unauthorized, Errors: denials(plan)}
			l.refuse(x)
			return false
		}
		it.fetches = plan
	}
	return true
}

// exhaustedEvery is how often somebody hears of plans whose search ran out: clients may send any number of operations.
const exhaustedEvery = int64(time.Minute)

func (l *Line) exhausted(it *Item, now int64) {
	l.stats.exhausted.Add(1)
	last := l.stats.exhaustedTold.Load()
	if l.cfg.Exhausted != nil && now-last >= exhaustedEvery && l.stats.exhaustedTold.CompareAndSwap(last, now) {
		l.cfg.Exhausted(it.Plan.Label(), it.Plan.HashHex())
	}
}

// unanswerable refuses an operation that is valid.
func unanswerable(message string) Refusal {
	code := codes.ValidationFailed
	return Refusal{Code: code, Class: planner.ClassValidate, Errors: []planner.Error{{Message: message, Code: code.String()}}}
}

// maxDenials is how many fields are named that a request was refused for.
const maxDenials = 100

// denials names what a request was refused for.
func denials(plan *planner.FetchPlan) (list []planner.Error) {
	for _, names := range plan.Denied {
		e := planner.Error{Message: codes.Unauthorized.Message(), Code: codes.Unauthorized.String()}
		for _, name := range names {
			e.Path = append(e.Path, name)
		}
		if list = append(list, e); len(list) == maxDenials {
			break
		}
	}
	return list
}

package line

import (
	"fmt"
	"net/http"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// gate applies limits and leases. Rules in observe mode only count.
func (l *Line) gate(x *Exchange, now int64) {
	for i := range x.Items {
		it := &x.Items[i]
		if l.limits(x, it); x.Refusal.Code != codes.None {
			return
		}
		if !x.Policy.Leases.Empty() {
			if l.lease(x, it, now); x.Refusal.Code != codes.None {
				return
			}
		}
	}
}

func (l *Line) limits(x *Exchange, it *Item) {
	p, plan := x.Policy, it.Plan
	for _, v := range plan.Violations() {
		mode := p.LimitMode(v.Limit)
		if mode == policy.Off {
			continue
		}
		l.stats.limit(v.Limit)
		if mode == policy.Enforce {
			x.Refusal = Refusal{Code: codes.LimitExceeded, Errors: []planner.Error{{
				Message: fmt.Sprintf("The operation has %d %s, the limit is %d.", v.Value, limitWords(v.Limit), v.Max),
				Code:    codes.LimitExceeded.String(),
			}}}
			return
		}
	}
	if plan.Introspects() && p.Introspection != policy.Off {
		l.stats.limit("introspection")
		if p.Introspection == policy.Enforce {
			x.Refusal = Refusal{Code: codes.IntrospectionDisabled}
			return
		}
	}
	if x.Get && plan.Kind() == planner.KindMutation && p.GetMutation != policy.Off {
		l.stats.limit("get_mutation")
		if p.GetMutation == policy.Enforce {
			x.Refusal = Refusal{Code: codes.GetMutation, Status: http.StatusMethodNotAllowed, Allow: "POST"}
		}
	}
}

func limitWords(limit string) string {
	switch limit {
	case "depth":
		return "levels of nesting"
	case "root_fields":
		return "root fields"
	case "expanded_fields":
		return "fields when its fragments are expanded"
	}
	return limit
}

// lease applies what the control plane asks for one operation.
func (l *Line) lease(x *Exchange, it *Item, now int64) {
	lease := x.Policy.Leases.For(it.Plan.Label())
	if lease == nil {
		return
	}
	limited := lease.Rate != nil && !lease.Rate.Allow(now)
	if lease.Observe {
		if limited || lease.Disabled {
			l.stats.limit("lease")
		}
		return
	}
	it.Lease = lease
	switch {
	case lease.Disabled:
		x.Refusal = Refusal{Code: codes.OperationDisabled}
	case limited:
		x.Refusal = Refusal{Code: codes.RateLimited, RetryAfter: 1}
	}
}

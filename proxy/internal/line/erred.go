package line

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// errorsMatter reports whether GraphQL errors in the answer may bring a stale one to its place.
func (x *Exchange) errorsMatter(r *wire.ResponseHead, now int64) bool {
	return len(x.Policy.Cache.StaleErrorCodes) > 0 && r.Status == http.StatusOK && !x.Mutates() && x.HasFallback(now)
}

// FallbackOnErrors is Fallback for an answer, captured in whole, whose GraphQL errors policy counts as a failure of the upstream: each of them,
// for what says anything else is for the client. Like other failures it leaves nothing behind but the stale entry.
func (l *Line) FallbackOnErrors(x *Exchange, r *wire.ResponseHead, content []byte, now int64) bool {
	if !x.errorsMatter(r, now) {
		return false
	}
	plain, ok := x.decoded(r, content)
	if !ok || !erred(x, plain) || !l.Fallback(x, now) {
		return false
	}
	x.Erred = true
	return true
}

// erred reports whether an answer has errors, all of them of codes that count.
func erred(x *Exchange, body []byte) bool {
	if !x.Batch {
		some, all := errorsCount(x.Policy, body)
		return some && all
	}
	var err *planner.Error
	if x.batch, err = planner.SplitBatch(body, x.batch[:0]); err != nil || len(x.batch) != len(x.Items) {
		return false
	}
	found := false
	for _, item := range x.batch {
		some, all := errorsCount(x.Policy, item)
		if !all {
			return false
		}
		found = found || some
	}
	return found
}

// errorsCount reports whether a response has errors, and whether each has a code that counts.
func errorsCount(p *policy.Policy, body []byte) (some, all bool) {
	f := planner.ReadFacts(body)
	if !f.Readable || !f.HasErrors {
		return false, f.Readable
	}
	var response struct {
		Errors []struct {
			Extensions struct {
				Code any `json:"code"`
			} `json:"extensions"`
		} `json:"errors"`
	}
	codes := p.Cache.StaleErrorCodes
	if slices.Contains(codes, policy.AnyCode) {
		return true, true
	}
	if json.Unmarshal(body, &response) != nil || len(response.Errors) == 0 {
		return true, false
	}
	for i := range response.Errors {
		if code, ok := response.Errors[i].Extensions.Code.(string); !ok || !slices.Contains(codes, code) {
			return true, false
		}
	}
	return true, true
}

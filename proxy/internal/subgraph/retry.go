package subgraph

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/codes"
)

// Retries say when a call is sent again: one that may be, whose connection failed or whose answer had the status 502, 503 or 504.
type Retries struct {
	Max     int           // attempts beside the first; 0: none
	Budget  float64       // retries for each call, over time, 0 to 1: when everything fails, retries must not be the load that keeps it down
	Backoff time.Duration // before the first retry, give or take a half; twice as long before each other
}

// budget counts what may be retried, in thousandths of a retry.
type budget struct {
	ratio  float64
	tokens atomic.Int64
}

// fullBudget is how many thousandths may be saved up; a client begins with so many.
const fullBudget = 10_000

func (b *budget) earn() {
	if n := b.tokens.Add(int64(b.ratio * 1000)); n > 0 { // they count from a full budget, 0, down
		b.tokens.CompareAndSwap(n, 0)
	}
}

func (b *budget) spend() bool {
	if b.tokens.Add(-1000) >= -fullBudget {
		return true
	}
	b.tokens.Add(1000)
	return false
}

// again waits and reports whether the call is to be made once more, after n retries and what came of the last.
func (x *exchange) again(n int, err error) bool {
	r := &x.client.cfg.Retries
	if x.once || n >= r.Max || !worthRetrying(x.head.Status, err) || !x.client.budget.spend() {
		return false
	}
	pause := time.Duration(float64(r.Backoff<<min(n, 16)) * (0.5 + rand.Float64()))
	if time.Until(x.deadline) <= pause {
		return false
	}
	ctx, end := x.leash.bound(x.ctx, x.deadline)
	defer end()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	x.client.counts.retries.Add(1)
	return true
}

func worthRetrying(status int, err error) bool {
	if err != nil {
		code := codeOf(err)
		return code == codes.SubgraphConnect || code == codes.SubgraphClosed
	}
	return unavailable(status)
}

// unavailable reports whether a status says that the subgraph cannot answer at the moment. A 500 may be one operation's own defect.
func unavailable(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

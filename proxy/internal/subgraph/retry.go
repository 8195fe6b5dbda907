package subgraph

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/codes"
)

// Retries say when a call is sent again: one that may be, whose connection failed or whose answer had the status 502, 503 or 504. Budget and
// PerSecond are for hedges, too: when everything fails, or is slow, neither must be the load that keeps a subgraph down.
type Retries struct {
	Max       int           // attempts beside the first; 0: none
	Budget    float64       // for each call, over time, 0 to 1
	PerSecond float64       // beside these: where there are few calls
	Backoff   time.Duration // before the first retry, give or take a half; twice as long before each other
}

// budget counts what may be sent beside the calls, in thousandths of one.
type budget struct {
	ratio, rate float64
	tokens      atomic.Int64
	paid        atomic.Int64 // until when, in unix ns, the rate was; 0: never
}

// fullBudget is how many thousandths may be saved up; a client begins with so many.
const fullBudget = 10_000

func (b *budget) earn() { b.add(int64(b.ratio * 1000)) }

func (b *budget) add(thousandths int64) {
	if n := b.tokens.Add(thousandths); n > 0 { // they count from a full budget, 0, down
		b.tokens.CompareAndSwap(n, 0)
	}
}

// pay adds what the rate gives for the time since it did.
func (b *budget) pay(now int64) {
	before := b.paid.Load()
	earned := int64(float64(now-before) * b.rate / float64(time.Millisecond))
	switch {
	case b.rate == 0, before != 0 && earned == 0:
	case b.paid.CompareAndSwap(before, now) && before != 0:
		b.add(min(earned, fullBudget))
	}
}

func (b *budget) spend() bool {
	b.pay(time.Now().UnixNano())
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

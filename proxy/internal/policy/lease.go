package policy

import (
	"sync"
	"time"
)

// Lease is what the control plane asks for, for a time. Several commands for one operation are merged into one.
type Lease struct {
	ID          string // of the commands, joined by commas
	ServeStale  bool
	Disabled    bool
	BypassCache bool
	TTL         time.Duration // 0: none
	Rate        *Rate         // nil: none
	Observe     bool          // count what would be done
}

// Leases are the leases in force by operation. The zero value holds none.
type Leases struct {
	all    *Lease // for every operation
	byName map[string]*Lease
}

// Empty reports whether there is no lease at all.
func (l *Leases) Empty() bool { return l.all == nil && len(l.byName) == 0 }

// For returns the lease of an operation, nil for none.
func (l *Leases) For(operation string) *Lease {
	if lease := l.byName[operation]; lease != nil {
		return lease
	}
	return l.all
}

// Add merges one more lease in; operation "" or "*" means every operation. Add is for building only, before the leases are shared.
func (l *Leases) Add(operation string, more Lease) {
	if operation == "" || operation == "*" {
		if l.all == nil {
			l.all = &Lease{}
		}
		l.all.merge(more)
		for _, lease := range l.byName {
			lease.merge(more)
		}
		return
	}
	if l.byName == nil {
		l.byName = map[string]*Lease{}
	}
	lease := l.byName[operation]
	if lease == nil {
		lease = &Lease{}
		if l.all != nil {
			*lease = *l.all
		}
		l.byName[operation] = lease
	}
	lease.merge(more)
}

func (l *Lease) merge(more Lease) {
	if l.ID == "" {
		*l = more
		return
	}
	if l.Observe != more.Observe { // what is enforced goes before what is only observed
		if l.Observe {
			*l = more
		}
		return
	}
	l.ID += "," + more.ID
	l.ServeStale = l.ServeStale || more.ServeStale
	l.Disabled = l.Disabled || more.Disabled
	l.BypassCache = l.BypassCache || more.BypassCache
	l.TTL = max(l.TTL, more.TTL)
	if l.Rate == nil || more.Rate != nil && more.Rate.perSecond < l.Rate.perSecond {
		l.Rate = more.Rate
	}
}

// Rate is a token bucket, kept as the theoretical arrival time of GCRA. Safe for concurrent use.
type Rate struct {
	perSecond, burst float64

	mu  sync.Mutex
	tat int64 // unix ns
}

// NewRate allows perSecond requests a second, and burst of them at once.
func NewRate(perSecond, burst float64) *Rate {
	return &Rate{perSecond: perSecond, burst: max(burst, 1)}
}

// Same reports whether the rate has these values: then its state may go on.
func (r *Rate) Same(perSecond, burst float64) bool {
	return r.perSecond == perSecond && r.burst == max(burst, 1)
}

// Allow takes one token at unix ns now, or reports that there is none.
func (r *Rate) Allow(now int64) bool {
	if r.perSecond <= 0 {
		return false
	}
	interval := int64(float64(time.Second) / r.perSecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	tat := max(r.tat, now)
	if tat-now > int64(float64(interval)*(r.burst-1)) {
		return false
	}
	r.tat = tat + interval
	return true
}

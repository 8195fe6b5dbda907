package line

import (
	"encoding/binary"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/ledger"
	"github.com/weirproxy/weir/telemetry"
)

// Emit sends one event for each operation of a finished request, once. It never waits.
func (l *Line) Emit(x *Exchange, now int64) {
	if x.done || len(x.Items) == 0 {
		return
	}
	x.done = true
	for i := range x.Items {
		it := &x.Items[i]
		r := &it.record
		if it.priced == now { // when the answer was kept: nothing else has changed since
			r.Quantities.CacheOps = it.ops
		} else {
			r = l.price(x, it, now)
		}
		l.cfg.Telemetry.Emit(r)
		if l.cfg.Usage != nil && it.Plan != nil && r.CacheStatus != telemetry.Refused {
			l.cfg.Usage.Count(r.Client, it.Plan)
		}
		if it.outcome != ledger.None {
			l.count(x, it, r)
		}
	}
}

// count puts what the cache did about an operation into the ledger.
func (l *Line) count(x *Exchange, it *Item, r *telemetry.Record) {
	e := ledger.Entry{Operation: r.Operation, Tenant: x.Scope.TenantID, Outcome: it.outcome, Bytes: r.Quantities.BytesOut, SavedPico: r.Saved}
	if it.outcome.Hit() && it.Entry != nil {
		e.SavedMicros = it.Entry.FetchMicros
	}
	l.ledger.Count(&e)
}

// Ledger holds what the cache did, by operation and tenant.
func (l *Line) Ledger() *ledger.Ledger { return &l.ledger }

// price fills the record of one operation from what the stages wrote. A batch's bytes and upstream time are shared evenly; what does
// not divide goes to the first item, so that the sum is exact.
func (l *Line) price(x *Exchange, it *Item, now int64) *telemetry.Record {
	n := int64(len(x.Items))
	share := func(v int64) int64 {
		if it == &x.Items[0] {
			return v/n + v%n
		}
		return v / n
	}
	r := &it.record
	*r = telemetry.Record{
		Start: x.Begin, End: now, Client: x.client, Tenant: x.Scope.Tenant, Code: it.Code.String(),
		Status: uint16(x.Status), Errors: it.Errors, CacheStatus: it.Status, TraceID: x.trace, Series: it.series, Subgraphs: it.subgraphs,
	}
	if r.Series == nil {
		r.Series = l.cfg.Telemetry.Series("uninspected")
		r.Operation = "uninspected"
	}
	q := &r.Quantities
	q.BytesIn, q.BytesOut = share(x.BytesIn), share(x.BytesOut)
	q.CacheOps = it.ops
	if x.Forwarded != 0 {
		q.UpstreamUS = share((now - x.Forwarded) / int64(time.Microsecond))
		q.Fetches = share(int64(x.Fetches))
	}
	if p := it.Plan; p != nil {
		r.Operation, r.OperationHash, r.Kind = p.Label(), operationHash(p), uint8(p.Kind())
		if it.points == 0 {
			it.points = 1
			if it.coerced {
				it.points = p.Cost(&it.values).Points()
			}
		}
		q.Points = it.points
	}
	if x.streaming == streamEvents { // it was idle most of the time, and each event is an operation
		q.UpstreamUS, q.Points = x.worked/int64(time.Microsecond), q.Points*max(1, x.events)
	}
	if x.Policy.Cache.Trace && (it.outcome.Hit() || it.Status == telemetry.Miss) {
		r.CacheKey = binary.BigEndian.Uint64(it.key[:])
	}
	if it.Entry != nil && x.Forwarded == 0 {
		r.Worth = it.Entry.Worth
	}
	return r
}

// Kind is the kind of the operation, unknown when it was not read.
func (it *Item) Kind() planner.Kind {
	if it.Plan == nil {
		return planner.KindUnknown
	}
	return it.Plan.Kind()
}

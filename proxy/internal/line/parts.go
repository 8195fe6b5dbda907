package line

import (
	"context"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// takesParts tells how the client takes what an operation defers. One that takes nothing but events, and does not say which form, has the form that was there
// first.
func (x *Exchange) takesParts(h *wire.RequestHead) execute.Format {
	if !x.Policy.Defer || x.Batch || x.Head || h == nil || len(x.Items) != 1 || !x.Items[0].Plan.Incremental() || x.Items[0].Plan.Kind() == planner.KindSubscription || h.Count("accept") > 1 {
		return execute.Whole
	}
	accept := h.Header("accept")
	form, events := answer.NegotiateIncremental(accept)
	if form == answer.IncrementalNone && x.Media == answer.MediaStream && answer.Accepts(accept, eventStream) {
		form, events = answer.Incremental2022, true
	}
	x.eventParts = events
	switch form {
	case answer.Incremental2022:
		return execute.Legacy
	case answer.IncrementalV02:
		return execute.Draft
	}
	return execute.Whole
}

func (x *Exchange) partsMedia() string {
	if x.eventParts {
		return answer.MediaEvents
	}
	if x.Parts == execute.Legacy {
		return answer.Incremental2022.Type()
	}
	return answer.IncrementalV02.Type()
}

// fetchesOf plans an operation for the caller.
func (x *Exchange) fetchesOf(it *Item) (*planner.FetchPlan, error) {
	if x.Parts != execute.Whole {
		return it.Plan.FetchesInParts(&it.values, &x.rights)
	}
	return it.Plan.FetchesFor(&it.values, &x.rights)
}

// What stands around a payload of multipart/mixed. The boundary behind it comes with it: a client reads a payload when it has seen that.
const (
	boundary     = "\r\n---\r\n"
	partHead     = "Content-Type: application/json; charset=utf-8\r\n\r\n"
	lastBoundary = "\r\n-----\r\n"
)

// appendPart appends a payload as it stands in the body of the answer.
func (x *Exchange) appendPart(b, payload []byte, first, last bool) []byte {
	switch {
	case x.eventParts && last:
		return append(answer.AppendNext(b, payload), answer.Complete...)
	case x.eventParts:
		return answer.AppendNext(b, payload)
	}
	if first {
		b = append(b, boundary...)
	}
	b = append(append(b, partHead...), payload...)
	if last {
		return append(b, lastBoundary...)
	}
	return append(b, boundary...)
}

// streamParts executes the operation and writes each part of the answer as it is there.
func (l *Line) streamParts(ctx context.Context, x *Exchange, out Out) {
	first := true
	l.inParts(ctx, x, func(payload []byte, last bool) bool {
		x.plain = x.appendPart(x.plain[:0], payload, first, last)
		first = false
		return out.Part(x.plain) == nil
	})
}

// inParts executes the operation and hands on each part of the answer as it is there, as long as send reports that somebody wants more.
func (l *Line) inParts(ctx context.Context, x *Exchange, send func(payload []byte, last bool) bool) {
	it := &x.Items[0]
	x.Executed = true
	x.executes(it)
	d := execute.Delivery{Format: x.Parts, Buffer: x.executed[:0], Send: send}
	stats := x.Policy.Executor.ExecuteInParts(ctx, &x.execution, &d)
	x.executed = d.Buffer
	if cap(x.plain) > keptExecuted {
		x.plain = nil
	}
	x.Fetches += stats.Fetches
	it.subgraphs = x.execution.Uses
	it.Errors = uint16(min(stats.Errors, 1<<16-1))
}

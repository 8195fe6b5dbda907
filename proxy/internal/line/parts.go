package line

import (
	"context"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// takesParts tells how the client takes what an operation defers.
func (x *Exchange) takesParts(h *wire.RequestHead) execute.Format {
	if !x.Policy.Defer || x.Batch || x.Head || h == nil || len(x.Items) != 1 || !x.Items[0].Plan.Incremental() || h.Count("accept") > 1 {
		return execute.Whole
	}
	switch answer.NegotiateIncremental(h.Header("accept")) {
	case answer.Incremental2022:
		return execute.Legacy
	case answer.IncrementalV02:
		return execute.Draft
	}
	return execute.Whole
}

func (x *Exchange) partsMedia() string {
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

// streamParts executes the operation and writes each part of the answer as it is there.
func (l *Line) streamParts(ctx context.Context, x *Exchange, out Out) {
	it := &x.Items[0]
	x.Executed = true
	x.executes(it)
	first := true
	d := execute.Delivery{Format: x.Parts, Buffer: x.executed[:0], Send: func(payload []byte, last bool) bool {
		b := x.plain[:0]
		if first {
			b, first = append(b, boundary...), false
		}
		b = append(append(b, partHead...), payload...)
		if last {
			b = append(b, lastBoundary...)
		} else {
			b = append(b, boundary...)
		}
		x.plain = b
		return out.Part(b) == nil
	}}
	stats := x.Policy.Executor.ExecuteInParts(ctx, &x.execution, &d)
	x.executed = d.Buffer
	if cap(x.plain) > keptExecuted {
		x.plain = nil
	}
	x.Fetches += stats.Fetches
	it.subgraphs = x.execution.Uses
	it.Errors = uint16(min(stats.Errors, 1<<16-1))
}

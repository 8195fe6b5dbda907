package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/weirproxy/weir/planner"
)

// events compares the answers to the events of a subscription, one by one: what the subgraph tells by the first step is completed by the others.
func (w *world) events(ctx context.Context, op operation, plan *planner.FetchPlan, v *planner.Values) (d *difference, valid bool) {
	m, err := w.whole()
	if err != nil {
		return nil, false
	}
	want, err := m.Events(ctx, op.body())
	if err != nil {
		return nil, false
	}
	d = &difference{op: op, kind: "event", plan: plan.String()}
	first := &plan.Steps[0]
	told, err := w.subgraphs[first.Subgraph].Events(ctx, operation{first.Query, op.Variables}.body())
	if err != nil || len(told) != len(want) {
		d.got = fmt.Sprintf("%d events of %d: %v", len(told), len(want), err)
		return d, true
	}
	for i := range want {
		var one, other answer
		body := w.event(ctx, plan, v, told[i])
		if bytes.Contains(body, late) && ctx.Err() == nil {
			d.kind, d.got = "late", string(body)
			return d, true
		}
		if ctx.Err() != nil || json.Unmarshal(want[i], &one) != nil {
			return nil, false
		}
		d.want = one.String()
		if err := json.Unmarshal(body, &other); err != nil {
			d.got = err.Error()
			return d, true
		}
		if d.got = other.String(); !sameJSON(one.Data, other.Data) || !sameErrors(&one, &other) {
			return d, true
		}
	}
	w.told.Add(int64(len(want)))
	return nil, true
}

func (w *world) event(ctx context.Context, plan *planner.FetchPlan, v *planner.Values, event []byte) (body []byte) {
	for range patience {
		if body = w.federation.ExecuteEvent(ctx, plan, v, event, nil); !bytes.Contains(body, late) {
			break
		}
		w.late.Add(1)
	}
	return body
}

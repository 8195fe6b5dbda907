package line

import (
	"fmt"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/execute"
)

// overBudget counts operations that cost more than a budget, and refuses the request when budgets are enforced: before anything of it is executed,
// so that no operation of a batch is done in part.
func (l *Line) overBudget(x *Exchange) bool {
	e := x.Policy.Executor
	b := e.Budgets()
	if b == nil {
		return false
	}
	for i := range x.Items {
		it := &x.Items[i]
		plan := it.fetches
		x.points = it.Plan.FetchPoints(plan, &it.values, x.points[:0])
		it.points = it.Plan.Cost(&it.values).Points()
		excess, over := e.Over(plan, it.points, x.points)
		if !over {
			continue
		}
		l.stats.limit("budget")
		if b.Refuse {
			x.Refusal = Refusal{Code: codes.CostBudget, Errors: []planner.Error{{Message: excessText(plan, &excess), Code: codes.CostBudget.String()}}}
			return true
		}
	}
	return false
}

func excessText(plan *planner.FetchPlan, e *execute.Excess) string {
	if e.Subgraph < 0 {
		return fmt.Sprintf("The operation costs up to %d points, its budget is %d.", e.Points, e.Max)
	}
	return fmt.Sprintf("The operation costs up to %d points at the subgraph %s, the budget is %d.", e.Points, plan.Subgraphs[e.Subgraph], e.Max)
}

package execute

import "github.com/weirproxy/weir/planner"

// Budgets bound what an operation may cost before anything of it is executed, in points. 0: no bound.
type Budgets struct {
	Operation int64
	Subgraphs []int64 // by index: of all fetches of an operation from that subgraph
	Refuse    bool    // what is over; otherwise it is only counted
}

// Excess is a budget that is too small. Subgraph is an index, -1 for the operation's own.
type Excess struct {
	Subgraph    int
	Points, Max int64
}

// Budgets returns the bounds; nil: there are none.
func (e *Executor) Budgets() *Budgets { return e.cfg.Budgets }

// Over finds the first budget that an operation is beyond, and counts it. operation is what it costs as a whole, steps what each step of its plan
// does.
func (e *Executor) Over(plan *planner.FetchPlan, operation int64, steps []int64) (x Excess, over bool) {
	b := e.cfg.Budgets
	if b.Operation > 0 && operation > b.Operation {
		return Excess{-1, operation, b.Operation}, true
	}
	for i := range plan.Steps {
		s := plan.Steps[i].Subgraph
		if s >= len(b.Subgraphs) || b.Subgraphs[s] <= 0 {
			continue
		}
		sum, first := int64(0), true
		for j := range steps {
			if plan.Steps[j].Subgraph == s {
				sum += steps[j]
				first = first && j >= i
			}
		}
		if first && sum > b.Subgraphs[s] {
			if c := e.cfg.Clients[s]; c != nil {
				c.OverBudget()
			}
			return Excess{s, sum, b.Subgraphs[s]}, true
		}
	}
	return Excess{}, false
}

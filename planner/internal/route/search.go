package route

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/join"
)

// DefaultBudget is how much work a search may do, in moves looked at.
const DefaultBudget = 20_000

// hardLimit is how many times the budget may be spent before even a first plan is given up.
const hardLimit = 50

// maxGroups bounds the groups of a plan, and maxMoves those that one leaf may need.
const (
	maxGroups = 20_000
	maxMoves  = 6
)

// Result is what a search found.
type Result struct {
	Groups    []*Group
	Work      int
	Cost      int
	Decisions int
	Exhausted bool
}

type task struct {
	want    want
	choices int
	order   int
	part    Members
}

// Find connects all leaves of an operation. The tree of the operation is changed by it: it gets sources, and nodes for what the plan
// itself needs.
func Find(s *join.Supergraph, op *Operation, budget int) (*Result, error) {
	if budget <= 0 {
		budget = DefaultBudget
	}
	r := &Router{s: s, root: op.Root, budget: budget}
	switch op.Kind {
	case ast.Mutation:
		r.kind = serial
		number(op.Root)
	case ast.Subscription:
		r.kind = single
	}
	r.collect(op.Root)
	for i := range r.tasks {
		t := &r.tasks[i]
		t.order = i
		t.choices = len(r.candidates(&t.want))
		t.part = t.want.part()
	}
	if r.kind == parallel {
		slices.SortStableFunc(r.tasks, func(a, b task) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(rank(&a), rank(&b))) })
	}
	r.bound()
	r.limit = maxGroups
	failed := r.plans()
	if !r.found {
		r.work, r.lenient = 0, true
		failed = r.plans()
	}
	if !r.found {
		return nil, fmt.Errorf("no subgraph can answer %s", failed)
	}
	r.replay()
	r.divide()
	return &Result{Groups: r.Groups, Work: r.work, Cost: r.cost(), Decisions: r.decisions, Exhausted: r.Exhausted}, nil
}

// plans looks for plans, and tells what cannot be answered when there is none.
func (r *Router) plans() (failed string) {
	// Plans that differ from the greedy one in few decisions come first, so that the budget is not spent on variations of the last ones.
	for _, discrepancies := range []int{0, 2} {
		failed = r.search(0, discrepancies)
		if r.decisions > 0 && r.work > r.budget {
			r.Exhausted = true
		}
		if r.decisions == 0 || r.done || r.Exhausted {
			break
		}
	}
	return failed
}

// rank: leaves with one graph first, and types when their sources are there.
func rank(t *task) int {
	if t.want.node == nil {
		return 1 << 20
	}
	return min(t.choices, 3)
}

// number gives what lies below each root field of a mutation its position.
func number(root *Place) {
	var below func(p *Place, serial int)
	below = func(p *Place, serial int) {
		p.Serial = serial
		for _, n := range p.Nodes {
			if n.Child != nil {
				below(n.Child, serial)
			}
		}
	}
	for i, n := range root.Nodes {
		if n.Child != nil {
			below(n.Child, i+1)
		}
	}
}

func (r *Router) collect(p *Place) {
	for _, n := range p.Nodes {
		t := task{want: want{place: p, node: n, types: n.Types}}
		if n.Child == nil {
			r.tasks = append(r.tasks, t)
			continue
		}
		// Objects that one graph alone has are in any plan. They come before what is in them, so that a leaf far below others that are
		// fetched one after another is not searched for from the root.
		if len(r.candidates(&t.want)) == 1 {
			r.tasks = append(r.tasks, t)
		}
		r.collect(n.Child)
	}
	switch {
	case p.Typed:
		r.tasks = append(r.tasks, task{want: want{place: p}})
	case p.Parent != nil:
		r.tasks = append(r.tasks, task{want: want{place: p, exists: true}})
	}
}

// bound finds how many requests no plan can do without: one for each graph that alone knows a leaf.
func (r *Router) bound() {
	graphs := map[join.Graph]bool{}
	for i := range r.tasks {
		if w := &r.tasks[i].want; w.node != nil {
			if c := r.candidates(w); len(c) == 1 {
				graphs[c[0]] = true
			}
		}
	}
	r.floor = max(len(graphs), 1)
}

// search connects the leaves from the i-th on, in all ways that may be better than the best so far. It returns the leaf that it failed
// at, if it did.
func (r *Router) search(i, discrepancies int) (failed string) {
	for ; i < len(r.tasks); i++ {
		w := &r.tasks[i].want
		if r.connected(w) != nil {
			continue
		}
		r.part = r.tasks[i].part
		opts := r.options(w)
		if len(opts) > 1 {
			return r.branch(i, w, opts, discrepancies)
		}
		if len(opts) == 0 || r.commit(&opts[0], w) == nil {
			return w.String()
		}
	}
	if c := r.cost(); !r.found || c < r.least {
		r.found = true
		r.least, r.best = c, slices.Clone(r.path)
		depths := r.depths()
		if c/costRequest <= r.floor && slices.Max(append(depths, 0)) <= 2 {
			r.done = true
		}
	}
	return ""
}

type rated struct{ option, cost int }

func (r *Router) branch(i int, w *want, opts []option, discrepancies int) (failed string) {
	r.decisions++
	var list []rated
	part := r.part
	for n := range opts {
		mark := r.mark()
		if r.commit(&opts[n], w) != nil {
			list = append(list, rated{n, r.cost()})
		}
		r.rollback(mark)
	}
	if len(list) == 0 {
		return w.String()
	}
	slices.SortStableFunc(list, func(a, b rated) int { return cmp.Compare(a.cost, b.cost) })
	for n, o := range list {
		if r.found && (r.done || o.cost >= r.least) {
			break
		}
		if n > 0 && r.found && discrepancies == 0 {
			break
		}
		if n > 0 && r.found && r.work > r.budget || r.work > hardLimit*r.budget {
			r.Exhausted = true
			break
		}
		mark := r.mark()
		r.part = part // a search behind this leaf may have gone on to another
		r.commit(&opts[o.option], w)
		r.path = append(r.path, o.option)
		failed = cmp.Or(r.search(i+1, max(discrepancies-min(n, 1), 0)), failed)
		r.path = r.path[:len(r.path)-1]
		r.rollback(mark)
	}
	return failed
}

// replay brings back the best plan.
func (r *Router) replay() {
	r.rollback(0)
	n := 0
	for i := range r.tasks {
		w := &r.tasks[i].want
		if r.connected(w) != nil {
			continue
		}
		r.part = r.tasks[i].part
		opts := r.options(w)
		o := 0
		if len(opts) > 1 {
			o = r.best[n]
			n++
		}
		r.commit(&opts[o], w)
	}
}

// String names the leaf by its path.
func (w *want) String() string {
	name := "__typename"
	if w.node != nil {
		name = w.node.Name
	}
	parts := []string{name}
	for p := w.place; p.Via != nil; p = p.Parent {
		parts = append(parts, p.Via.Slot.Name)
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}

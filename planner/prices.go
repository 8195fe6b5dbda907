package planner

import (
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/planner/internal/cost"
)

// prices are what the steps of a fetch plan cost, compiled when somebody asks for the first time.
type prices struct {
	once  sync.Once
	steps [][]price
}

// price is what one place of the answer costs in a step: the operation down to there with what the step asks, less the operation down to
// there. So the sizes of the lists on the way, which tell how many entities are asked for, come from the same formula as the price of the whole
// operation.
type price struct{ with, less *cost.Formula }

// maxPoints is where points stop: beyond it the difference of two prices says nothing.
const maxPoints = int64(1e15)

func (p *price) cost(v *Values) (c Cost) {
	c = p.with.Evaluate(v)
	if p.less == nil || max(c.Type, c.Field) > float64(maxPoints) {
		return c
	}
	less := p.less.Evaluate(v)
	return Cost{Type: max(c.Type-less.Type, 0), Field: max(c.Field-less.Field, 0)}
}

// FetchPoints appends to dst what each step of a plan that Fetches returned costs before it is sent, in points, for the variables that Coerce
// put into v: an upper bound by the schema's @cost and @listSize, of all entities that the lists on the way may hold. What is inaccessible to
// clients costs nothing. It allocates when it is first asked of a plan only.
func (p *Plan) FetchPoints(plan *FetchPlan, v *Values, dst []int64) []int64 {
	if p.federated == nil {
		return dst
	}
	for _, known := range *p.federated.variants.Load() {
		if known.plan != plan {
			continue
		}
		known.prices.once.Do(func() { known.prices.steps = p.federated.price(plan) })
		for _, places := range known.prices.steps {
			var sum Cost
			for i := range places {
				c := places[i].cost(v)
				sum.Type += c.Type
				sum.Field += c.Field
			}
			dst = append(dst, min(sum.Points(), maxPoints))
		}
		return dst
	}
	for range plan.Steps { // its variant was pushed out meanwhile
		dst = append(dst, 1)
	}
	return dst
}

func (f *federated) price(plan *FetchPlan) [][]price {
	out := make([][]price, len(plan.Steps))
	for i := range plan.Steps {
		s := &plan.Steps[i]
		doc, err := parser.ParseQuery(&ast.Source{Input: s.Query})
		if err != nil || len(doc.Operations) == 0 { // it was printed by the planner
			continue
		}
		op := doc.Operations[0]
		if s.Kind != FetchEntities {
			out[i] = []price{{with: f.formula(op.Operation, op.SelectionSet, doc)}}
			continue
		}
		out[i] = f.places(plan, s, op, doc)
	}
	return out
}

func (f *federated) formula(kind ast.Operation, set ast.SelectionSet, doc *ast.QueryDocument) *cost.Formula {
	return cost.Compile(f.supergraph.schema.ast, doc, &ast.OperationDefinition{Operation: kind, SelectionSet: set})
}

// places prices the places at which a step asks for entities, each once.
func (f *federated) places(plan *FetchPlan, s *FetchStep, op *ast.OperationDefinition, doc *ast.QueryDocument) (list []price) {
	type asked struct {
		path []FetchPathStep
		set  ast.SelectionSet
	}
	var order []string
	at := map[string]*asked{}
	for l := range s.Lookups {
		var set ast.SelectionSet
		for _, sel := range op.SelectionSet {
			if field, ok := sel.(*ast.Field); ok && field.Alias == s.Lookups[l].Alias {
				set = field.SelectionSet
			}
		}
		for t := range s.Lookups[l].Targets {
			path := s.Lookups[l].Targets[t].Path
			key := ""
			for _, e := range path {
				key += e.Name + "."
			}
			if at[key] == nil {
				at[key] = &asked{path: path}
				order = append(order, key)
			}
			at[key].set = append(at[key].set, set...)
		}
	}
	for _, key := range order {
		a := at[key]
		list = append(list, price{f.formula(f.op.Operation, down(plan, a.path, a.set), doc), f.formula(f.op.Operation, down(plan, a.path[:max(len(a.path)-1, 0)], nil), doc)})
	}
	return list
}

// down is the selection that leads to a place, and there to set. Where an abstract type stands on the way, all its types count.
func down(plan *FetchPlan, path []FetchPathStep, set ast.SelectionSet) ast.SelectionSet {
	fields := make([]*ast.Field, 0, len(path))
	layout := 0
	for _, e := range path {
		slot := &plan.Layouts[layout].Slots[e.Slot]
		doc, err := parser.ParseQuery(&ast.Source{Input: "{" + slot.Name + ":" + slot.Field + "}"})
		if err != nil {
			break // it was printed by the planner
		}
		fields = append(fields, doc.Operations[0].SelectionSet[0].(*ast.Field))
		layout = slot.Layout
	}
	for i := len(fields) - 1; i >= 0; i-- {
		fields[i].SelectionSet = set
		set = ast.SelectionSet{fields[i]}
	}
	return set
}

// DescribedFetchCost is what a step of a fetch plan costs.
type DescribedFetchCost struct {
	Fetch    int    `json:"fetch"` // id of the step
	Subgraph string `json:"subgraph"`
	Points   int64  `json:"points"`
}

func (p *Plan) describeFetchCosts(plan *FetchPlan, v *Values) (list []DescribedFetchCost) {
	for i, points := range p.FetchPoints(plan, v, nil) {
		list = append(list, DescribedFetchCost{i, plan.Subgraphs[plan.Steps[i].Subgraph], points})
	}
	return list
}

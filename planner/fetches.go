package planner

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/assemble"
	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/introspect"
	"github.com/weirproxy/weir/planner/internal/route"
	"github.com/weirproxy/weir/planner/internal/shape"
)

// federated is what an operation's fetch plans are made from, and those that were made.
type federated struct {
	supergraph *Supergraph
	op         *ast.OperationDefinition
	fragments  ast.FragmentDefinitionList
	conditions []string // variables of @skip and @include, sorted

	mu       sync.Mutex // guards making a variant
	variants atomic.Pointer[[]variant]
}

// variant is a plan for some values of the conditions.
type variant struct {
	values uint64
	plan   *FetchPlan
	err    error
	prices *prices // of the plan's steps
}

// maxVariants bounds the plans kept for one operation; maxConditions is how many variables may decide @skip and @include.
const (
	maxVariants   = 64
	maxConditions = 64
)

func newFederated(s *Supergraph, doc *ast.QueryDocument, op *ast.OperationDefinition) *federated {
	f := &federated{supergraph: s, op: op, fragments: doc.Fragments}
	f.collect(op.SelectionSet)
	for _, d := range doc.Fragments {
		f.collect(d.SelectionSet)
	}
	slices.Sort(f.conditions)
	f.variants.Store(&[]variant{})
	return f
}

func (f *federated) collect(set ast.SelectionSet) {
	for _, sel := range set {
		var list ast.DirectiveList
		switch s := sel.(type) {
		case *ast.Field:
			list = s.Directives
			f.collect(s.SelectionSet)
		case *ast.InlineFragment:
			list = s.Directives
			f.collect(s.SelectionSet)
		case *ast.FragmentSpread:
			list = s.Directives
		}
		for _, d := range list {
			a := d.Arguments.ForName("if")
			if (d.Name == "skip" || d.Name == "include") && a != nil && a.Value.Kind == ast.Variable && !slices.Contains(f.conditions, a.Value.Raw) {
				f.conditions = append(f.conditions, a.Value.Raw)
			}
		}
	}
}

// Fetches returns how to execute the operation for variables that Coerce put into v. There is one plan for each combination of the
// variables that decide @skip and @include; it is made when it is first asked for, which is some 100 µs of work, and found again
// without a lock or an allocation. The operation must be valid. The error tells of an operation that the subgraphs cannot
// answer, or of introspection with arguments that are variables, and is ErrNotFederated for another schema.
func (p *Plan) Fetches(v *Values) (*FetchPlan, error) {
	f := p.federated
	if f == nil {
		return nil, ErrNotFederated
	}
	if len(f.conditions) > maxConditions {
		return nil, fmt.Errorf("planner: more than %d variables decide @skip and @include", maxConditions)
	}
	var values uint64
	for i, name := range f.conditions {
		if on, _ := v.Find(name, nil).Bool(); on {
			values |= 1 << i
		}
	}
	for _, known := range *f.variants.Load() {
		if known.values == values {
			return known.plan, known.err
		}
	}
	return f.make(values)
}

// warm makes the fetch plans that were made of the same document for another schema.
func (p *Plan) warm(before *Plan) {
	f, old := p.federated, before.federated
	if f == nil || old == nil || len(p.Errors()) > 0 || len(f.conditions) > maxConditions {
		return
	}
	for _, v := range *old.variants.Load() { // the conditions follow from the document
		_, _ = f.make(v.values)
	}
}

func (f *federated) make(values uint64) (*FetchPlan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := *f.variants.Load()
	for _, known := range list {
		if known.values == values {
			return known.plan, known.err
		}
	}
	plan, err := f.plan(values)
	if len(list) >= maxVariants {
		list = list[1:]
	}
	list = append(slices.Clone(list), variant{values, plan, err, new(prices)})
	f.variants.Store(&list)
	return plan, err
}

func (f *federated) plan(values uint64) (plan *FetchPlan, err error) {
	conditions := make(map[string]bool, len(f.conditions))
	var told []fetch.Condition
	for i, name := range f.conditions {
		conditions[name] = values>>i&1 != 0
		told = append(told, fetch.Condition{Variable: name, Value: conditions[name]})
	}
	defer func() {
		if r := recover(); r != nil {
			plan, err = nil, fmt.Errorf("planner: the operation could not be planned: %v", r)
		}
	}()
	op, err := route.Normalise(f.supergraph.model, f.op, f.fragments, conditions)
	if err != nil {
		return nil, fmt.Errorf("planner: %w", err)
	}
	found, err := route.Find(f.supergraph.model, op, 0)
	if err != nil {
		return nil, fmt.Errorf("planner: %w", err)
	}
	q := introspect.Query{
		Schema: f.supergraph.schema.ast, Fragments: f.fragments,
		Included: func(list ast.DirectiveList) bool { return route.Included(list, conditions) },
	}
	var wrong error
	plan = assemble.Build(f.supergraph.model, op, f.op, found, func(field *ast.Field) []byte {
		answer, err := q.Answer(field)
		wrong = cmp.Or(wrong, err)
		return answer
	})
	if wrong != nil {
		return nil, fmt.Errorf("planner: %w", wrong)
	}
	plan.Conditions = told
	for i := range plan.Types {
		if t := &plan.Types[i]; f.supergraph.schema.ast.Types[t.Name] != nil {
			t.Key = shape.KeyField(f.supergraph.schema.ast.Types[t.Name])
		}
	}
	return plan, nil
}

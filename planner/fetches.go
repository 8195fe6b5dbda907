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
	"github.com/weirproxy/weir/planner/internal/join"
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

// variant is a plan for some values of the conditions, and for a caller who does not meet some of the requirements.
type variant struct {
	values uint64
	unmet  uint64             // bits of needs
	needs  []join.Requirement // of all that the operation asks for; of a variant without unmet ones
	wanted []int              // their numbers in the supergraph
	plan   *FetchPlan
	err    error
	prices *prices // of the plan's steps
}

// maxVariants bounds the plans kept for one operation; maxConditions is how many variables may decide @skip and @include.
const (
	maxVariants   = 64
	maxConditions = 64
	maxNeeds      = 64 // different requirements of one operation
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
//
// What @authenticated, @requiresScopes or @policy protect is left out: it is null, and in FetchPlan.Denied. FetchesFor has it for those who may.
func (p *Plan) Fetches(v *Values) (*FetchPlan, error) { return p.FetchesFor(v, nil) }

// FetchesFor is Fetches for a caller with rights, nil for none. Of an operation that asks for nothing that is protected it does not look at them.
func (p *Plan) FetchesFor(v *Values, rights Rights) (*FetchPlan, error) {
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
	whole := f.find(values, 0)
	if whole.err != nil || len(whole.needs) == 0 {
		return whole.plan, whole.err
	}
	var unmet uint64
	for i := range whole.needs {
		if !met(&whole.needs[i], rights) {
			unmet |= 1 << i
		}
	}
	if unmet == 0 {
		return whole.plan, nil
	}
	part := f.find(values, unmet)
	return part.plan, part.err
}

// find finds a variant or makes it.
func (f *federated) find(values, unmet uint64) variant {
	for _, known := range *f.variants.Load() {
		if known.values == values && known.unmet == unmet {
			return known
		}
	}
	return f.make(values, unmet)
}

// warm makes the fetch plans that were made of the same document for another schema.
func (p *Plan) warm(before *Plan) {
	f, old := p.federated, before.federated
	if f == nil || old == nil || len(p.Errors()) > 0 || len(f.conditions) > maxConditions {
		return
	}
	for _, v := range *old.variants.Load() { // the conditions follow from the document
		_ = f.make(v.values, 0) // the rest follows from the schema, too
	}
}

func (f *federated) make(values, unmet uint64) variant {
	var wanted []int
	if unmet != 0 {
		wanted = f.find(values, 0).wanted
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := *f.variants.Load()
	for _, known := range list {
		if known.values == values && known.unmet == unmet {
			return known
		}
	}
	var lacking join.Set
	for i, n := range wanted {
		if unmet>>i&1 != 0 {
			lacking = lacking.With(n)
		}
	}
	made := variant{values: values, unmet: unmet, prices: new(prices)}
	var needs join.Set
	if made.plan, needs, made.err = f.plan(values, lacking); made.err == nil && unmet == 0 {
		f.number(&made, needs)
	}
	if len(list) >= maxVariants {
		list = list[1:]
	}
	list = append(slices.Clone(list), made)
	f.variants.Store(&list)
	return made
}

// number gives the requirements of an operation their bits.
func (f *federated) number(v *variant, needs join.Set) {
	for n := range needs.All {
		v.wanted = append(v.wanted, n)
		v.needs = append(v.needs, f.supergraph.model.Requirements[n])
		v.plan.Requirements = append(v.plan.Requirements, f.supergraph.model.Requirements[n].String())
	}
	if len(v.needs) > maxNeeds {
		v.plan, v.err = nil, fmt.Errorf("planner: the operation has more than %d different requirements of @authenticated, @requiresScopes and @policy", maxNeeds)
	}
}

func (f *federated) plan(values uint64, unmet join.Set) (plan *FetchPlan, needs join.Set, err error) {
	conditions := make(map[string]bool, len(f.conditions))
	var told []fetch.Condition
	for i, name := range f.conditions {
		conditions[name] = values>>i&1 != 0
		told = append(told, fetch.Condition{Variable: name, Value: conditions[name]})
	}
	defer func() {
		if r := recover(); r != nil {
			plan, needs, err = nil, nil, fmt.Errorf("planner: the operation could not be planned: %v", r)
		}
	}()
	op, err := route.Normalise(f.supergraph.model, f.op, f.fragments, conditions, unmet)
	if err != nil {
		return nil, nil, fmt.Errorf("planner: %w", err)
	}
	found, err := route.Find(f.supergraph.model, op, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("planner: %w", err)
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
		return nil, nil, fmt.Errorf("planner: %w", wrong)
	}
	plan.Conditions, plan.Denied = told, op.Denied
	for i := range plan.Types {
		if t := &plan.Types[i]; f.supergraph.schema.ast.Types[t.Name] != nil {
			t.Key = shape.KeyField(f.supergraph.schema.ast.Types[t.Name])
		}
	}
	return plan, op.Needs, nil
}

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
	deferring  []string // variables of @defer, sorted
	defers     bool     // there is a @defer

	mu       sync.Mutex // guards making a variant
	variants atomic.Pointer[[]variant]
}

// choice is what a variant is for: some values of the conditions, and a caller who does not meet some of the requirements.
type choice struct {
	values uint64
	defers uint64 // values of the variables of @defer, and the bit deferred; 0: nothing is
	unmet  uint64 // bits of needs
}

// deferred is set in a choice that defers.
const deferred = 1 << maxConditions >> 1

// variant is a plan for a choice.
type variant struct {
	choice
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
	slices.Sort(f.deferring)
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
			var to *[]string
			switch d.Name {
			case "skip", "include":
				to = &f.conditions
			case "defer":
				f.defers, to = true, &f.deferring
			default:
				continue
			}
			if a := d.Arguments.ForName("if"); a != nil && a.Value.Kind == ast.Variable && !slices.Contains(*to, a.Value.Raw) {
				*to = append(*to, a.Value.Raw)
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
	return p.fetches(v, rights, 0)
}

// FetchesInParts is FetchesFor for a client that takes what the operation defers later: FetchPlan.Parts says what that is. It is the plan that
// FetchesFor returns when nothing is deferred; so it is when there is too much, and for mutations and subscriptions.
func (p *Plan) FetchesInParts(v *Values, rights Rights) (*FetchPlan, error) {
	f := p.federated
	if f == nil || !f.defers || p.kind != KindQuery || len(f.deferring) >= maxConditions {
		return p.fetches(v, rights, 0)
	}
	defers := uint64(deferred)
	for i, name := range f.deferring {
		if value := v.Find(name, nil); !value.Present() {
			defers |= 1 << i // the argument's default
		} else if on, _ := value.Bool(); on {
			defers |= 1 << i
		}
	}
	plan, err := p.fetches(v, rights, defers)
	if err != nil || plan.Parts == nil {
		return p.fetches(v, rights, 0)
	}
	return plan, nil
}

func (p *Plan) fetches(v *Values, rights Rights, defers uint64) (*FetchPlan, error) {
	f := p.federated
	if f == nil {
		return nil, ErrNotFederated
	}
	if len(f.conditions) > maxConditions {
		return nil, fmt.Errorf("planner: more than %d variables decide @skip and @include", maxConditions)
	}
	c := choice{defers: defers}
	for i, name := range f.conditions {
		if on, _ := v.Find(name, nil).Bool(); on {
			c.values |= 1 << i
		}
	}
	whole := f.find(c)
	if whole.err != nil || len(whole.needs) == 0 {
		return whole.plan, whole.err
	}
	for i := range whole.needs {
		if !met(&whole.needs[i], rights) {
			c.unmet |= 1 << i
		}
	}
	if c.unmet == 0 {
		return whole.plan, nil
	}
	part := f.find(c)
	return part.plan, part.err
}

// find finds a variant or makes it.
func (f *federated) find(c choice) variant {
	for _, known := range *f.variants.Load() {
		if known.choice == c {
			return known
		}
	}
	return f.make(c)
}

// warm makes the fetch plans that were made of the same document for another schema.
func (p *Plan) warm(before *Plan) {
	f, old := p.federated, before.federated
	if f == nil || old == nil || len(p.Errors()) > 0 || len(f.conditions) > maxConditions {
		return
	}
	for _, v := range *old.variants.Load() { // the conditions follow from the document
		_ = f.make(choice{values: v.values, defers: v.defers}) // the rest follows from the schema, too
	}
}

func (f *federated) make(c choice) variant {
	var wanted []int
	if c.unmet != 0 {
		wanted = f.find(choice{values: c.values, defers: c.defers}).wanted
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := *f.variants.Load()
	for _, known := range list {
		if known.choice == c {
			return known
		}
	}
	var lacking join.Set
	for i, n := range wanted {
		if c.unmet>>i&1 != 0 {
			lacking = lacking.With(n)
		}
	}
	made := variant{choice: c, prices: new(prices)}
	var needs join.Set
	if made.plan, needs, made.err = f.plan(c, lacking); made.err == nil && c.unmet == 0 {
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

func (f *federated) plan(c choice, unmet join.Set) (plan *FetchPlan, needs join.Set, err error) {
	conditions := make(map[string]bool, len(f.conditions)+len(f.deferring))
	var told []fetch.Condition
	for i, name := range f.deferring {
		conditions[name] = c.defers>>i&1 != 0
	}
	for i, name := range f.conditions {
		conditions[name] = c.values>>i&1 != 0
		told = append(told, fetch.Condition{Variable: name, Value: conditions[name]})
	}
	defer func() {
		if r := recover(); r != nil {
			plan, needs, err = nil, nil, fmt.Errorf("planner: the operation could not be planned: %v", r)
		}
	}()
	op, err := route.Normalise(f.supergraph.model, f.op, f.fragments, conditions, unmet, c.defers != 0)
	if err != nil {
		return nil, nil, fmt.Errorf("planner: %w", err)
	}
	found, err := route.Find(f.supergraph.model, op, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("planner: %w", err)
	}
	q := introspect.Query{
		Schema: f.supergraph.schema.ast, Fragments: f.fragments, Hidden: f.supergraph.hidden,
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

package planner

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
	"github.com/weirproxy/weir/planner/internal/shape"
)

// mutation is what is known of a mutation before its answer.
type mutation struct {
	types   []string // changed beside those that it selects
	unnamed bool     // some of its root fields name nothing that an entry could hold
}

// mutationRules gives the root fields of a mutation the rules that options say.
func (b *builder) mutationRules(p *Plan, valid bool) {
	if p.kind != KindMutation {
		return
	}
	if b.schema == nil || !valid {
		p.mutation.unnamed = true
		return
	}
	c := ruleCollector{b: b, plan: p, rules: map[string]*shape.Rule{}, seen: map[string]bool{}}
	c.set(b.op.SelectionSet)
	p.shape.Govern(c.rules)
}

type ruleCollector struct {
	b     *builder
	plan  *Plan
	rules map[string]*shape.Rule
	seen  map[string]bool // fragments
}

func (c *ruleCollector) set(set ast.SelectionSet) {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			c.field(s)
		case *ast.InlineFragment:
			c.set(s.SelectionSet)
		case *ast.FragmentSpread:
			if f := c.b.doc.Fragments.ForName(s.Name); f != nil && !c.seen[s.Name] {
				c.seen[s.Name] = true
				c.set(f.SelectionSet)
			}
		}
	}
}

// field makes the rule of a root field. One that is selected twice has one rule: all its selections count for what it names.
func (c *ruleCollector) field(f *ast.Field) {
	if strings.HasPrefix(f.Name, "__") || f.Definition == nil {
		return
	}
	o := &c.b.o.Mutations
	policy, own := o.Fields[f.Name]
	if !own {
		policy = o.Policy
	}
	named, declared := o.Types[f.Name]
	var types []string
	for _, name := range named {
		if objects := c.b.schema.ObjectsOf(name); len(objects) > 0 {
			types = append(types, objects...)
		} else { // of another version of the schema, maybe
			types = append(types, name)
		}
	}
	r := &shape.Rule{Policy: policy, Types: types}
	before := c.rules[document.ResponseName(f)]
	r.Unnamed = !declared && (before == nil || before.Unnamed) && !c.names(f.SelectionSet, f.Definition.Type.Name(), map[string]bool{})
	c.rules[document.ResponseName(f)] = r
	c.plan.mutation.unnamed = false
	for _, rule := range c.rules {
		c.plan.mutation.unnamed = c.plan.mutation.unnamed || rule.Unnamed
	}
	if before == nil {
		c.plan.mutation.types = append(c.plan.mutation.types, types...)
	}
}

// names tells whether a selection holds an object of a type that a query can hold.
func (c *ruleCollector) names(set ast.SelectionSet, typeName string, fragments map[string]bool) bool {
	if len(set) == 0 {
		return false
	}
	for _, t := range c.b.schema.ObjectsOf(typeName) {
		if c.b.schema.queried[t] {
			return true
		}
	}
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if s.Definition != nil && c.names(s.SelectionSet, s.Definition.Type.Name(), fragments) {
				return true
			}
		case *ast.InlineFragment:
			if c.names(s.SelectionSet, orElse(s.TypeCondition, typeName), fragments) {
				return true
			}
		case *ast.FragmentSpread:
			f := c.b.doc.Fragments.ForName(s.Name)
			if f == nil || fragments[s.Name] {
				continue
			}
			fragments[s.Name] = true
			if c.names(f.SelectionSet, f.TypeCondition, fragments) {
				return true
			}
		}
	}
	return false
}

func orElse(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// Unnamed tells whether a mutation can change what nothing in its answer names: its result is a plain value, or an object that no query
// returns, or there is no schema.
func (p *Plan) Unnamed() bool {
	return p.kind == KindMutation && (p.mutation.unnamed || p.schema == nil)
}

// AppendQueriedTypes appends the object types that a query can return; false without a schema, and when there are more than most.
func (p *Plan) AppendQueriedTypes(t *Tags, most int) bool {
	return p.schema.AppendQueriedTypes(t, most)
}

// AppendQueriedTypes appends the object types that a query can return; false for a nil schema, and when there are more than most.
func (s *Schema) AppendQueriedTypes(t *Tags, most int) bool {
	if s == nil || len(s.queried) > most {
		return false
	}
	for _, name := range s.objects {
		if s.queried[name] {
			t.AppendString(name)
		}
	}
	return true
}

// queriedTypes are the object types that can be reached from the query type, that itself left out.
func queriedTypes(s *ast.Schema) map[string]bool {
	reached := map[string]bool{}
	open := []*ast.Definition{s.Query}
	for len(open) > 0 {
		d := open[len(open)-1]
		open = open[:len(open)-1]
		if d == nil || reached[d.Name] || strings.HasPrefix(d.Name, "__") {
			continue
		}
		reached[d.Name] = true
		for _, f := range d.Fields {
			open = append(open, s.Types[f.Type.Name()])
		}
		if d.Kind == ast.Interface || d.Kind == ast.Union {
			open = append(open, s.GetPossibleTypes(d)...)
		}
	}
	out := map[string]bool{}
	for _, name := range objectTypes(s) {
		if reached[name] {
			out[name] = true
		}
	}
	return out
}

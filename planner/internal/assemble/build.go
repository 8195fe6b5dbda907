package assemble

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/canon"
	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/join"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/route"
)

type builder struct {
	s               *join.Supergraph
	op              *route.Operation
	definition      *ast.OperationDefinition
	plan            *fetch.Plan
	layouts         *layouts
	typeIDs         map[int]fetch.TypeID
	representations map[string]int
	enums           map[*join.Type]*fetch.Enum
	projected       map[*route.Place]int
	introspect      func(*ast.Field) []byte
}

// Build makes the plan of an operation from what was found for it. introspect answers a root field of introspection.
func Build(s *join.Supergraph, op *route.Operation, definition *ast.OperationDefinition, found *route.Result, introspect func(*ast.Field) []byte) *fetch.Plan {
	p := &fetch.Plan{Operation: definition.Name, Steps: []fetch.Step{}, Outputs: []fetch.Output{}}
	p.Search = fetch.Search{Work: found.Work, Cost: found.Cost, Exhausted: found.Exhausted}
	for _, g := range s.Graphs {
		p.Subgraphs = append(p.Subgraphs, g.Name)
	}
	b := &builder{
		s: s, op: op, definition: definition, plan: p, typeIDs: map[int]fetch.TypeID{}, representations: map[string]int{},
		enums: map[*join.Type]*fetch.Enum{}, projected: map[*route.Place]int{}, introspect: introspect,
	}
	b.layouts = &layouts{builder: b, of: map[*route.Scope]int{}, known: map[string]int{}, slots: map[*route.Slot]int{}}
	b.layouts.layout(op.Root.Scope)
	list := requests(found.Groups, op.Kind == ast.Mutation)
	for _, q := range list {
		p.Steps = append(p.Steps, b.step(q))
	}
	for i := range p.Steps {
		for _, d := range p.Steps[i].After {
			p.Steps[d].Next = append(p.Steps[d].Next, i)
		}
	}
	b.divide()
	b.project(op.Root)
	p.Index()
	return p
}

func (b *builder) step(q *request) fetch.Step {
	first := q.groups[0]
	s := fetch.Step{ID: q.step, Subgraph: first.Graph, Output: -1, Kind: fetch.Entities}
	if len(b.op.Parts) > 1 {
		s.For = fetch.Parts(first.For)
	}
	for d := range q.deps {
		s.After = append(s.After, d.step)
	}
	slices.Sort(s.After)
	var body string
	if first.Entity {
		body = b.lookups(&s, q.groups)
	} else {
		p := b.printer(first)
		p.group(first)
		s.Output = p.outputs[first.Source.Place.Scope]
		s.Variables = p.variables
		body = p.b.String()
		s.Kind = kindOf(b.op.Kind)
	}
	slices.Sort(s.Variables)
	s.Query = b.head(&s) + "{" + body + "}"
	s.Identity = fetch.Identify(b.s.Graphs[s.Subgraph].Name, s.Query)
	s.Prefix = jsonscan.AppendQuoted([]byte(`{"query":`), s.Query)
	s.Suffix = []byte("}")
	if len(s.Lookups)+len(s.Variables) > 0 {
		s.Prefix = append(s.Prefix, `,"variables":{`...)
		s.Suffix = []byte("}}")
	}
	return s
}

func kindOf(op ast.Operation) fetch.Kind {
	switch op {
	case ast.Mutation:
		return fetch.Mutation
	case ast.Subscription:
		return fetch.Subscription
	}
	return fetch.Query
}

func (b *builder) printer(g *route.Group) *printer {
	return &printer{builder: b, graph: g.Graph, outputs: map[*route.Scope]int{}, shapes: map[*route.Slot][]string{}}
}

// lookups prints the _entities fields of a request. Groups that ask the same are one field.
func (b *builder) lookups(s *fetch.Step, groups []*route.Group) string {
	var texts []string
	for _, g := range groups {
		p := b.printer(g)
		p.group(g)
		text := p.b.String()
		for _, v := range p.variables {
			if !slices.Contains(s.Variables, v) {
				s.Variables = append(s.Variables, v)
			}
		}
		i := slices.Index(texts, text)
		if i < 0 {
			i = len(texts)
			texts = append(texts, text)
			s.Lookups = append(s.Lookups, fetch.Lookup{Identity: fetch.Identify(b.s.Graphs[s.Subgraph].Name, text)})
		}
		l := &s.Lookups[i]
		for _, e := range g.Entries {
			l.Targets = append(l.Targets, fetch.Target{
				Path:           b.path(g.Source.Place, e.Types),
				Representation: b.represent(g.Source.Place, e),
				Output:         b.sameOutput(p.outputs[g.Source.Place.Scope]),
			})
		}
	}
	var out strings.Builder
	base := b.free("_r")
	for i, text := range texts {
		l := &s.Lookups[i]
		l.Alias, l.Variable = "_e"+strconv.Itoa(i), base+strconv.Itoa(i)
		if len(texts) == 1 {
			l.Alias, l.Variable = "_entities", base
		} else {
			out.WriteString(l.Alias + ":")
		}
		out.WriteString("_entities(representations:$" + l.Variable + "){" + text + "}")
	}
	return out.String()
}

// free makes a name that none of the client's variables begins with.
func (b *builder) free(name string) string {
	for slices.ContainsFunc(b.definition.VariableDefinitions, func(v *ast.VariableDefinition) bool { return strings.HasPrefix(v.Variable, name) }) {
		name = "_" + name
	}
	return name
}

// sameOutput finds an output like this one, or returns it.
func (b *builder) sameOutput(i int) int {
	for j := range i {
		if b.outputsEqual(j, i) {
			return j
		}
	}
	return i
}

func (b *builder) outputsEqual(i, j int) bool {
	if i == j {
		return true
	}
	if i < 0 || j < 0 {
		return false
	}
	x, y := &b.plan.Outputs[i], &b.plan.Outputs[j]
	return x.Layout == y.Layout && slices.EqualFunc(x.Entries, y.Entries, func(e, f fetch.Entry) bool {
		return e.Key == f.Key && e.Slot == f.Slot && b.outputsEqual(e.Output, f.Output)
	})
}

// path leads to a place; types are those of the objects to ask for.
func (b *builder) path(at *route.Place, types join.Set) []fetch.PathStep {
	var out []fetch.PathStep
	for p := at; p.Via != nil; p = p.Parent {
		step := fetch.PathStep{Slot: b.layouts.slots[p.Via.Slot], Name: p.Via.Slot.Key}
		if p == at && types != nil {
			step.Types = b.typeSet(types)
		}
		out = append(out, step)
	}
	slices.Reverse(out)
	// Objects of other types may have the same slot, and lead elsewhere.
	for i, p := len(out)-1, at; p.Via != nil; i, p = i-1, p.Parent {
		if i > 0 && p.Forks() && out[i-1].Types == nil {
			out[i-1].Types = b.typeSet(p.Via.Types)
		}
	}
	return out
}

// head prints what stands before the selection set.
func (b *builder) head(s *fetch.Step) string {
	kind := ""
	switch s.Kind {
	case fetch.Mutation:
		kind = "mutation"
	case fetch.Subscription:
		kind = "subscription"
	}
	var defs []string
	for _, l := range s.Lookups {
		defs = append(defs, "$"+l.Variable+":[_Any!]!")
	}
	for _, name := range s.Variables {
		d := b.definition.VariableDefinitions.ForName(name)
		text := "$" + name + ":" + d.Type.String()
		if d.DefaultValue != nil {
			text += "=" + canon.Value(d.DefaultValue)
		}
		defs = append(defs, text)
	}
	if len(defs) == 0 {
		return kind
	}
	if kind == "" {
		kind = "query"
	}
	return kind + "(" + strings.Join(defs, ",") + ")"
}

package fetch

import (
	"fmt"
	"strings"
)

// Index prepares TypeOf; it is the last thing done to a plan.
func (p *Plan) Index() {
	p.typeIDs = make(map[string]TypeID, len(p.Types))
	for i, t := range p.Types {
		p.typeIDs[t.Name] = TypeID(i)
	}
}

// Mutates tells whether a step changes something.
func (p *Plan) Mutates() bool {
	for i := range p.Steps {
		if p.Steps[i].Kind == Mutation {
			return true
		}
	}
	return false
}

// String prints the plan for people: its steps with what they wait for, ask and fill. Its form may change.
func (p *Plan) String() string {
	var b strings.Builder
	for i := range p.Steps {
		p.dumpStep(&b, &p.Steps[i])
	}
	for _, c := range p.Conditions {
		fmt.Fprintf(&b, "when $%s is %v\n", c.Variable, c.Value)
	}
	return b.String()
}

func (p *Plan) dumpStep(b *strings.Builder, s *Step) {
	fmt.Fprintf(b, "%d %s %s", s.ID, s.Kind, p.Subgraphs[s.Subgraph])
	if len(s.After) > 0 {
		fmt.Fprintf(b, " after %v", s.After)
	}
	fmt.Fprintf(b, "\n    %s\n", s.Query)
	if len(s.Variables) > 0 {
		fmt.Fprintf(b, "    variables %s\n", strings.Join(s.Variables, ", "))
	}
	for _, l := range s.Lookups {
		for _, t := range l.Targets {
			fmt.Fprintf(b, "    $%s for %s by %s\n", l.Variable, p.path(t.Path), p.representation(t.Representation))
		}
	}
}

func (p *Plan) path(path []PathStep) string {
	var b strings.Builder
	for i, s := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.Name)
		if s.Types != nil {
			b.WriteString(p.typeNames(s.Types))
		}
	}
	return b.String()
}

func (p *Plan) typeNames(s TypeSet) string {
	var names []string
	s.Each(func(t TypeID) {
		if int(t) < len(p.Types) {
			names = append(names, p.Types[t].Name)
		}
	})
	return "[" + strings.Join(names, "|") + "]"
}

func (p *Plan) representation(i int) string {
	r := &p.Representations[i]
	parts := make([]string, 0, len(r.Fields)+1)
	switch {
	case r.OwnTypename:
		parts = append(parts, "__typename")
	case r.Typename != "":
		parts = append(parts, r.Typename)
	}
	for _, f := range r.Fields {
		part := f.Name
		if f.Types != nil {
			part = p.typeNames(f.Types) + part
		}
		if f.NonNull {
			part += "!"
		}
		if f.Representation >= 0 {
			part += p.representation(f.Representation)
		}
		parts = append(parts, part)
	}
	return "{" + strings.Join(parts, " ") + "}"
}

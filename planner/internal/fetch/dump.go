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

// String prints the plan for people: a tree of requests, each under the last one it waits for. Its form may change.
func (p *Plan) String() string {
	var b strings.Builder
	p.dumpBelow(&b, -1, "")
	for _, c := range p.Conditions {
		fmt.Fprintf(&b, "when $%s is %v\n", c.Variable, c.Value)
	}
	return b.String()
}

// Waves returns how many steps come after one another at most.
func (p *Plan) Waves() (most int) {
	waves := make([]int, len(p.Steps))
	for i := range p.Steps {
		for _, a := range p.Steps[i].After {
			waves[i] = max(waves[i], waves[a])
		}
		waves[i]++
		most = max(most, waves[i])
	}
	return most
}

// dumpBelow prints the steps whose last predecessor is parent.
func (p *Plan) dumpBelow(b *strings.Builder, parent int, indent string) {
	var below []int
	for i := range p.Steps {
		if after := p.Steps[i].After; len(after) == 0 && parent < 0 || len(after) > 0 && after[len(after)-1] == parent {
			below = append(below, i)
		}
	}
	for n, i := range below {
		branch, rest := "├─ ", "│  "
		if n == len(below)-1 {
			branch, rest = "└─ ", "   "
		}
		p.dumpStep(b, &p.Steps[i], indent+branch, indent+rest)
		p.dumpBelow(b, i, indent+rest)
	}
}

func (p *Plan) dumpStep(b *strings.Builder, s *Step, first, rest string) {
	fmt.Fprintf(b, "%s%d %s", first, s.ID+1, p.Subgraphs[s.Subgraph])
	for n, a := range s.After {
		fmt.Fprintf(b, "%s%d", [...]string{", after ", " and "}[min(n, 1)], a+1)
	}
	if s.For != 0 && s.For != First {
		b.WriteString(", later")
	}
	b.WriteByte('\n')
	for _, l := range s.Lookups {
		for _, t := range l.Targets {
			fmt.Fprintf(b, "%s   for %s by %s\n", rest, p.path(t.Path), p.representation(t.Representation))
		}
	}
	fmt.Fprintf(b, "%s   %s\n", rest, s.Query)
	if len(s.Variables) > 0 {
		fmt.Fprintf(b, "%s   with $%s\n", rest, strings.Join(s.Variables, ", $"))
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

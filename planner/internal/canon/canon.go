package canon

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Text prints an operation and the fragments it reaches.
func Text(op *ast.OperationDefinition, fragments ast.FragmentDefinitionList) string {
	p := printer{}
	p.operation(op)
	for _, f := range reachable(op.SelectionSet, fragments) {
		p.fragment(f)
	}
	return p.b.String()
}

// reachable returns the fragments that a selection set reaches, sorted by name.
func reachable(set ast.SelectionSet, fragments ast.FragmentDefinitionList) []*ast.FragmentDefinition {
	if len(fragments) == 0 {
		return nil
	}
	byName := make(map[string][]*ast.FragmentDefinition, len(fragments))
	for _, f := range fragments {
		byName[f.Name] = append(byName[f.Name], f)
	}
	var out []*ast.FragmentDefinition
	var visit func(set ast.SelectionSet)
	visit = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch s := sel.(type) {
			case *ast.Field:
				visit(s.SelectionSet)
			case *ast.InlineFragment:
				visit(s.SelectionSet)
			case *ast.FragmentSpread:
				list := byName[s.Name]
				delete(byName, s.Name)
				out = append(out, list...)
				for _, f := range list {
					visit(f.SelectionSet)
				}
			}
		}
	}
	visit(set)
	slices.SortStableFunc(out, func(a, b *ast.FragmentDefinition) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Arguments prints arguments in the order of their names, with parentheses; none are the empty string.
func Arguments(list ast.ArgumentList) string {
	p := printer{}
	p.arguments(list)
	return p.b.String()
}

// Value prints a value.
func Value(v *ast.Value) string {
	p := printer{}
	p.value(v)
	return p.b.String()
}

type printer struct{ b strings.Builder }

func (p *printer) operation(op *ast.OperationDefinition) {
	kind := op.Operation
	if kind == "" {
		kind = ast.Query
	}
	p.b.WriteString(string(kind))
	if op.Name != "" {
		p.b.WriteByte(' ')
		p.b.WriteString(op.Name)
	}
	p.variables(op.VariableDefinitions)
	p.directives(op.Directives)
	p.selections(op.SelectionSet)
}

func (p *printer) fragment(f *ast.FragmentDefinition) {
	p.b.WriteString(" fragment ")
	p.b.WriteString(f.Name)
	p.variables(f.VariableDefinition)
	p.b.WriteString(" on ")
	p.b.WriteString(f.TypeCondition)
	p.directives(f.Directives)
	p.selections(f.SelectionSet)
}

// SortedVariables returns the definitions in the order of their names.
func SortedVariables(defs ast.VariableDefinitionList) ast.VariableDefinitionList {
	sorted := slices.Clone(defs)
	slices.SortStableFunc(sorted, func(a, b *ast.VariableDefinition) int { return strings.Compare(a.Variable, b.Variable) })
	return sorted
}

func (p *printer) variables(defs ast.VariableDefinitionList) {
	if len(defs) == 0 {
		return
	}
	for i, d := range SortedVariables(defs) {
		p.b.WriteString(separator(i, "("))
		p.b.WriteByte('$')
		p.b.WriteString(d.Variable)
		p.b.WriteByte(':')
		p.b.WriteString(d.Type.String())
		if d.DefaultValue != nil {
			p.b.WriteByte('=')
			p.value(d.DefaultValue)
		}
		p.directives(d.Directives)
	}
	p.b.WriteByte(')')
}

// separator opens a list before its first element and parts the others.
func separator(i int, open string) string {
	if i == 0 {
		return open
	}
	return ","
}

func (p *printer) directives(list ast.DirectiveList) {
	for _, d := range list {
		p.b.WriteByte('@')
		p.b.WriteString(d.Name)
		p.arguments(d.Arguments)
	}
}

func (p *printer) arguments(list ast.ArgumentList) {
	if len(list) == 0 {
		return
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b *ast.Argument) int { return strings.Compare(a.Name, b.Name) })
	for i, a := range sorted {
		p.b.WriteString(separator(i, "("))
		p.b.WriteString(a.Name)
		p.b.WriteByte(':')
		p.value(a.Value)
	}
	p.b.WriteByte(')')
}

func (p *printer) selections(set ast.SelectionSet) {
	if len(set) == 0 {
		return
	}
	for i, sel := range set {
		p.b.WriteString(separator(i, "{"))
		switch s := sel.(type) {
		case *ast.Field:
			if s.Alias != "" && s.Alias != s.Name {
				p.b.WriteString(s.Alias)
				p.b.WriteByte(':')
			}
			p.b.WriteString(s.Name)
			p.arguments(s.Arguments)
			p.directives(s.Directives)
			p.selections(s.SelectionSet)
		case *ast.InlineFragment:
			p.b.WriteString("...")
			if s.TypeCondition != "" {
				p.b.WriteString("on ")
				p.b.WriteString(s.TypeCondition)
			}
			p.directives(s.Directives)
			p.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			p.b.WriteString("...")
			p.b.WriteString(s.Name)
			p.directives(s.Directives)
		}
	}
	p.b.WriteByte('}')
}

func (p *printer) value(v *ast.Value) {
	switch v.Kind {
	case ast.Variable:
		p.b.WriteByte('$')
		p.b.WriteString(v.Raw)
	case ast.StringValue, ast.BlockValue:
		p.quoted(v.Raw)
	case ast.ListValue:
		p.b.WriteByte('[')
		for i, child := range v.Children {
			p.b.WriteString(separator(i, ""))
			p.value(child.Value)
		}
		p.b.WriteByte(']')
	case ast.ObjectValue:
		sorted := slices.Clone(v.Children)
		slices.SortStableFunc(sorted, func(a, b *ast.ChildValue) int { return strings.Compare(a.Name, b.Name) })
		p.b.WriteByte('{')
		for i, child := range sorted {
			p.b.WriteString(separator(i, ""))
			p.b.WriteString(child.Name)
			p.b.WriteByte(':')
			p.value(child.Value)
		}
		p.b.WriteByte('}')
	default:
		p.b.WriteString(v.Raw)
	}
}

// quoted writes a string with the fewest escapes that every parser reads.
func (p *printer) quoted(s string) {
	const hex = "0123456789abcdef"
	p.b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			p.b.WriteByte('\\')
			p.b.WriteByte(c)
		case c == '\n':
			p.b.WriteString(`\n`)
		case c < ' ' || c == 0x7f:
			p.b.WriteString(`\u00`)
			p.b.WriteByte(hex[c>>4])
			p.b.WriteByte(hex[c&15])
		default:
			p.b.WriteByte(c)
		}
	}
	p.b.WriteByte('"')
}

package introspect

import (
	"errors"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// ErrVariable tells that an argument of introspection is a variable, whose value a plan does not know.
var ErrVariable = errors.New("arguments of __type and of fields below __schema must not be variables here")

// Query answers one root field of introspection.
type Query struct {
	Schema    *ast.Schema
	Fragments ast.FragmentDefinitionList
	Hidden    map[string]bool // directives that are not told of
	// Included decides @skip and @include.
	Included func(ast.DirectiveList) bool

	b   []byte
	err error
}

// Answer returns the value of a root field, __schema or __type, of a valid operation.
func (q *Query) Answer(f *ast.Field) ([]byte, error) {
	q.b, q.err = nil, nil
	if f.Name == "__schema" {
		q.schema(f.SelectionSet)
	} else {
		q.named(f.SelectionSet, q.text(f, "name"))
	}
	return q.b, q.err
}

// text returns an argument that is a string.
func (q *Query) text(f *ast.Field, name string) string {
	a := f.Arguments.ForName(name)
	if a == nil {
		return ""
	}
	if a.Value.Kind == ast.Variable {
		q.err = ErrVariable
	}
	return a.Value.Raw
}

// deprecated tells that what is deprecated is asked for.
func (q *Query) deprecated(f *ast.Field) bool { return q.text(f, "includeDeprecated") == "true" }

// collect merges the fields of a selection set on a type by response key, in order.
func (q *Query) collect(out []*ast.Field, set ast.SelectionSet) []*ast.Field {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if !q.Included(s.Directives) {
				continue
			}
			i := slices.IndexFunc(out, func(f *ast.Field) bool { return f.Alias == s.Alias })
			if i < 0 {
				c := *s
				out = append(out, &c)
				continue
			}
			out[i].SelectionSet = append(slices.Clip(out[i].SelectionSet), s.SelectionSet...)
		case *ast.InlineFragment:
			if q.Included(s.Directives) {
				out = q.collect(out, s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if f := q.Fragments.ForName(s.Name); f != nil && q.Included(s.Directives) {
				out = q.collect(out, f.SelectionSet)
			}
		}
	}
	return out
}

// object writes an object; value writes a field's value.
func (q *Query) object(set ast.SelectionSet, typename string, value func(*ast.Field)) {
	q.b = append(q.b, '{')
	for i, f := range q.collect(nil, set) {
		if i > 0 {
			q.b = append(q.b, ',')
		}
		q.b = append(jsonscan.AppendQuoted(q.b, f.Alias), ':')
		if f.Name == "__typename" {
			q.string(typename)
			continue
		}
		value(f)
	}
	q.b = append(q.b, '}')
}

func (q *Query) string(s string) { q.b = jsonscan.AppendQuoted(q.b, s) }

// optional writes a text that may be missing.
func (q *Query) optional(s string) {
	if s == "" {
		q.null()
		return
	}
	q.string(s)
}

func (q *Query) null() { q.b = append(q.b, "null"...) }

func (q *Query) bool(v bool) {
	if v {
		q.b = append(q.b, "true"...)
		return
	}
	q.b = append(q.b, "false"...)
}

// list writes a list.
func list[T any](q *Query, items []T, item func(T)) {
	q.b = append(q.b, '[')
	for i, x := range items {
		if i > 0 {
			q.b = append(q.b, ',')
		}
		item(x)
	}
	q.b = append(q.b, ']')
}

// reason writes isDeprecated and deprecationReason.
func (q *Query) reason(f *ast.Field, directives ast.DirectiveList) {
	d := directives.ForName("deprecated")
	switch {
	case f.Name == "isDeprecated":
		q.bool(d != nil)
	case d == nil:
		q.null()
	default:
		reason := "No longer supported"
		if a := d.Arguments.ForName("reason"); a != nil {
			reason = a.Value.Raw
		}
		q.string(reason)
	}
}

// current drops what is deprecated, unless it is asked for.
func current[T any](q *Query, f *ast.Field, items []T, directives func(T) ast.DirectiveList) []T {
	all := q.deprecated(f)
	return slices.DeleteFunc(slices.Clone(items), func(x T) bool { return !all && directives(x).ForName("deprecated") != nil })
}

// sorted returns the names of a map in order.
func sorted[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

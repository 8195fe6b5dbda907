package subgraphs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/gql"
)

// object is a row as a request came to it.
type object struct {
	row   *Row
	as    string           // its type where it is asked for as an entity
	given map[string]any   // its representation; nil when it was reached by a field
	sub   ast.SelectionSet // what the path provides
}

func typeOf(v any) string {
	o, ok := v.(*object)
	switch {
	case !ok:
		return ""
	case o.as != "":
		return o.as
	}
	return o.row.Type
}

func (s *Subgraph) resolver(t *typeView, name string) gql.Resolver {
	f := t.fields[name]
	return func(_ context.Context, c *gql.Call) (any, error) {
		o, _ := c.Parent.(*object)
		if o == nil { // a root field
			o = &object{row: s.data.Rows[t.name][0]}
		}
		v, sub, err := s.field(t, f, o, name, c.Args)
		if err != nil {
			return nil, err
		}
		if f.provides != nil {
			sub = append(sub[:len(sub):len(sub)], f.provides.set...)
		}
		return s.objects(v, sub), nil
	}
}

// field resolves a field, or says why the subgraph cannot.
func (s *Subgraph) field(t *typeView, f *fieldView, o *object, name string, args map[string]any) (v any, sub ast.SelectionSet, err error) {
	if s.monolith {
		v, err = s.data.value(o.row, name, args)
		return v, nil, err
	}
	sub, provided := s.provided(o.sub, o.row, name)
	switch {
	case f.overridden:
		return nil, nil, Fault("another subgraph has taken over " + t.name + "." + name)
	case f.external && !provided && !t.known[name]:
		return nil, nil, Fault(t.name + "." + name + " is external")
	case f.requires != nil:
		text, whole := s.data.render(f.requires.set, o.given)
		if !whole {
			return nil, nil, fmt.Errorf("%s.%s requires %q, and the representation is %v", t.name, name, f.requires.text, o.given)
		}
		if _, faulty := o.row.Fields[name].(Fault); !faulty {
			return withArguments(text, args), sub, nil
		}
	}
	v, err = s.data.value(o.row, name, args)
	return v, sub, err
}

// provided looks for a field in what a path provides.
func (s *Subgraph) provided(set ast.SelectionSet, r *Row, name string) (sub ast.SelectionSet, ok bool) {
	for _, x := range set {
		switch x := x.(type) {
		case *ast.Field:
			if x.Name == name {
				sub, ok = append(sub, x.SelectionSet...), true
			}
		case *ast.InlineFragment:
			if s.data.is(r.Type, x.TypeCondition) {
				more, found := s.provided(x.SelectionSet, r, name)
				sub, ok = append(sub, more...), ok || found
			}
		}
	}
	return sub, ok
}

// objects makes objects of the rows in a value.
func (s *Subgraph) objects(v any, sub ast.SelectionSet) any {
	switch x := v.(type) {
	case *Row:
		return &object{row: x, sub: sub}
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = s.objects(item, sub)
		}
		return out
	}
	return v
}

// entities answers _entities.
func (s *Subgraph) entities(_ context.Context, c *gql.Call) (any, error) {
	list, _ := c.Args["representations"].([]any)
	out := make([]any, len(list))
	for i, r := range list {
		given, ok := r.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a representation is no object: %v", r)
		}
		o, err := s.entity(given)
		if err != nil {
			return nil, err
		}
		out[i] = o
	}
	return out, nil
}

func (s *Subgraph) entity(given map[string]any) (*object, error) {
	name := typeName(given)
	t := s.types[name]
	if t == nil {
		return nil, fmt.Errorf("the type %q of a representation is not known", name)
	}
	for _, key := range t.keys {
		text, whole := s.data.render(key.set, given)
		if !whole {
			continue
		}
		row := s.data.find(name, key, text)
		if row == nil {
			return nil, fmt.Errorf("there is no %s with the key %s", name, text)
		}
		o := &object{row: row, given: given}
		if t.blurs {
			o.as = name
		}
		return o, nil
	}
	shown, _ := json.Marshal(given)
	return nil, fmt.Errorf("the representation has no whole key: %s", shown)
}

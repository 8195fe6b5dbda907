package gql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// execution is the state of one running operation.
type execution struct {
	e      *Engine
	ctx    context.Context
	vars   map[string]any
	doc    *ast.QueryDocument
	probe  func(f *Field) error
	errors []Error
	policy Policy
}

// group holds the selections that answer under one response name.
type group struct {
	name   string
	fields []*ast.Field
}

var errNonNull = errors.New("cannot return null for a non-nullable field")

func isMeta(name string) bool { return strings.HasPrefix(name, "__") }

// object executes the merged selection sets on one object (specification 6.3). ok is false when a non-null field failed, so that the null has to travel up.
func (x *execution) object(def *ast.Definition, value any, sets []ast.SelectionSet, at *path) (out *Object, ok bool) {
	var groups []group
	for _, s := range sets {
		groups = x.collect(def, s, groups, nil)
	}
	out = &Object{members: make([]member, 0, len(groups))}
	ok = true
	for _, g := range groups {
		v, fine := x.field(def, value, g, &path{parent: at, name: g.name})
		if !fine {
			ok = false
			if def != x.e.schema.Mutation {
				return nil, false
			}
			continue // mutations run to the end: their effects do not depend on their neighbours' nulls
		}
		out.members = append(out.members, member{g.name, v})
	}
	return out, ok
}

// collect gathers the fields of a selection set in response order (CollectFields, specification 6.3.2).
func (x *execution) collect(def *ast.Definition, set ast.SelectionSet, groups []group, seen map[string]bool) []group {
	if seen == nil {
		seen = map[string]bool{}
	}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if !x.included(s.Directives) {
				continue
			}
			groups = addField(groups, s)
		case *ast.InlineFragment:
			if x.included(s.Directives) && (s.TypeCondition == "" || x.applies(def, s.TypeCondition)) {
				groups = x.collect(def, s.SelectionSet, groups, seen)
			}
		case *ast.FragmentSpread:
			if seen[s.Name] || !x.included(s.Directives) {
				continue
			}
			seen[s.Name] = true
			fragment := x.doc.Fragments.ForName(s.Name)
			if fragment != nil && x.applies(def, fragment.TypeCondition) {
				groups = x.collect(def, fragment.SelectionSet, groups, seen)
			}
		}
	}
	return groups
}

func addField(groups []group, f *ast.Field) []group {
	name := f.Alias
	if name == "" {
		name = f.Name
	}
	for i := range groups {
		if groups[i].name == name {
			groups[i].fields = append(groups[i].fields, f)
			return groups
		}
	}
	return append(groups, group{name, []*ast.Field{f}})
}

// included evaluates @skip and @include.
func (x *execution) included(list ast.DirectiveList) bool {
	truth := func(name string) (value, present bool) {
		d := list.ForName(name)
		if d == nil {
			return false, false
		}
		v, err := d.Arguments.ForName("if").Value.Value(x.vars)
		b, isBool := v.(bool)
		return err == nil && isBool && b, true
	}
	if skip, present := truth("skip"); present && skip {
		return false
	}
	include, present := truth("include")
	return !present || include
}

// applies tells whether an object of type def satisfies a type condition.
func (x *execution) applies(def *ast.Definition, condition string) bool {
	if def.Name == condition {
		return true
	}
	for _, possible := range x.e.schema.PossibleTypes[condition] {
		if possible.Name == def.Name {
			return true
		}
	}
	return false
}

// field executes one field group (specification 6.4).
func (x *execution) field(parent *ast.Definition, value any, g group, at *path) (any, bool) {
	first := g.fields[0]
	if first.Name == "__typename" {
		return parent.Name, true
	}
	def := parent.Fields.ForName(first.Name)
	if def == nil { // the introspection fields of the query type
		def = first.Definition
	}
	nullable := !def.Type.NonNull
	args, err := x.arguments(def, first)
	if err != nil {
		x.fieldError(first, at, err)
		return nil, nullable
	}
	resolver := x.e.resolvers[parent.Name][first.Name]
	if isMeta(first.Name) {
		resolver = x.e.resolvers[""][first.Name]
	}
	c := Call{Parent: value, Args: args}
	if x.probe != nil && !isMeta(parent.Name) && !isMeta(first.Name) {
		err = x.probe(&Field{parent.Name, def.Name, nullable, at})
	}
	var result any
	if err == nil {
		result, err = x.resolve(resolver, &c)
	}
	if !isMeta(parent.Name) && !isMeta(first.Name) {
		x.policy.restrict(x.hint(parent, def, c.Hint))
	}
	if err != nil {
		x.fieldError(first, at, err)
		return nil, nullable
	}
	return x.complete(def.Type, g.fields, result, at)
}

// resolve calls the resolver; a panic becomes a field error, as in every production server.
func (x *execution) resolve(r Resolver, c *Call) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, fmt.Errorf("resolver panicked: %v", p)
		}
	}()
	if err := x.ctx.Err(); err != nil {
		return nil, err
	}
	return r(x.ctx, c)
}

// complete turns a resolver's value into a response value (specification 6.4.3). ok is false when a null must travel to the parent.
func (x *execution) complete(t *ast.Type, fields []*ast.Field, value any, at *path) (any, bool) {
	if t.NonNull {
		inner := *t
		inner.NonNull = false
		before := len(x.errors)
		v, ok := x.complete(&inner, fields, value, at)
		if !ok {
			return nil, false
		}
		if v == nil {
			if len(x.errors) == before { // not already explained by an error below
				x.fieldError(fields[0], at, errNonNull)
			}
			return nil, false
		}
		return v, true
	}
	if value == nil {
		return nil, true
	}
	if t.Elem != nil {
		return x.list(t, fields, value, at)
	}
	def := x.e.schema.Types[t.NamedType]
	if def.IsLeafType() {
		v, err := leaf(def, value)
		if err != nil {
			x.fieldError(fields[0], at, err)
			return nil, true
		}
		return v, true
	}
	if def.IsAbstractType() {
		name := x.e.typeOf(value)
		concrete := x.e.schema.Types[name]
		if concrete == nil || !x.applies(concrete, def.Name) {
			x.fieldError(fields[0], at, fmt.Errorf("%q is no possible type of %s", name, def.Name))
			return nil, true
		}
		def = concrete
	}
	sets := make([]ast.SelectionSet, len(fields))
	for i, f := range fields {
		sets[i] = f.SelectionSet
	}
	o, ok := x.object(def, value, sets, at)
	if !ok {
		return nil, true // a nullable position: the null stops here
	}
	return o, true
}

func (x *execution) list(t *ast.Type, fields []*ast.Field, value any, at *path) (any, bool) {
	items, ok := value.([]any)
	if !ok {
		x.fieldError(fields[0], at, fmt.Errorf("expected a list, the resolver gave %T", value))
		return nil, true
	}
	out := make([]any, len(items))
	for i, item := range items {
		v, ok := x.complete(t.Elem, fields, item, &path{parent: at, index: i})
		if !ok {
			return nil, true
		}
		out[i] = v
	}
	return out, true
}

// leaf serializes a scalar or an enum value (result coercion, specification 3.5).
func leaf(def *ast.Definition, value any) (any, error) {
	if n, ok := value.(int); ok {
		value = int64(n)
	}
	switch def.Name {
	case "Int":
		n, ok := value.(int64)
		if ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			return n, nil
		}
	case "Float":
		switch n := value.(type) {
		case int64:
			return float64(n), nil
		case float64:
			if !math.IsNaN(n) && !math.IsInf(n, 0) {
				return n, nil
			}
		}
	case "ID":
		switch n := value.(type) {
		case int64:
			return strconv.FormatInt(n, 10), nil
		case string:
			return n, nil
		}
	case "Boolean":
		if b, ok := value.(bool); ok {
			return b, nil
		}
	default: // String, enums, custom scalars travel as strings, or these as JSON that is ready
		if raw, ok := value.(json.RawMessage); ok && def.Kind == ast.Scalar && !def.BuiltIn {
			return raw, nil
		}
		s, ok := value.(string)
		if ok && (def.Kind != ast.Enum || def.EnumValues.ForName(s) != nil) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s cannot represent %v", def.Name, value)
}

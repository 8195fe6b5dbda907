package planner

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// IntrospectionQuery asks a server for all of its schema that introspection tells (September 2025). Servers of an older edition refuse it;
// IntrospectionQueryBasic is what they understand.
const IntrospectionQuery = `query IntrospectionQuery {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name specifiedByURL isOneOf
      fields(includeDeprecated: true) { name args(includeDeprecated: true) { ...Input } type { ...Type } isDeprecated deprecationReason }
      inputFields(includeDeprecated: true) { ...Input }
      interfaces { ...Type }
      enumValues(includeDeprecated: true) { name isDeprecated deprecationReason }
      possibleTypes { ...Type }
    }
    directives { name isRepeatable locations args(includeDeprecated: true) { ...Input } }
  }
}
fragment Input on __InputValue { name type { ...Type } defaultValue isDeprecated deprecationReason }
fragment Type on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } }
}`

// IntrospectionQueryBasic asks for what every server since the edition of June 2018 tells. It does not show input fields and arguments that
// are deprecated, nor which input objects are @oneOf.
const IntrospectionQueryBasic = `query IntrospectionQuery {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name
      fields(includeDeprecated: true) { name args { ...Input } type { ...Type } isDeprecated deprecationReason }
      inputFields { ...Input }
      interfaces { ...Type }
      enumValues(includeDeprecated: true) { name isDeprecated deprecationReason }
      possibleTypes { ...Type }
    }
    directives { name locations args { ...Input } }
  }
}
fragment Input on __InputValue { name type { ...Type } defaultValue }
fragment Type on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } }
}`

// introspected is the result of an introspection query.
type introspected struct {
	QueryType, MutationType, SubscriptionType *struct{ Name string }
	Types                                     []introspectedType
	Directives                                []struct {
		Name         string
		IsRepeatable bool
		Locations    []string
		Args         []introspectedInput
	}
}

type introspectedType struct {
	Kind, Name     string
	SpecifiedByURL *string
	IsOneOf        bool
	Fields         []struct {
		introspectedInput
		Args []introspectedInput
	}
	InputFields []introspectedInput
	Interfaces  []introspectedRef
	EnumValues  []struct {
		Name              string
		IsDeprecated      bool
		DeprecationReason *string
	}
	PossibleTypes []introspectedRef
}

type introspectedInput struct {
	Name              string
	Type              introspectedRef
	DefaultValue      *string
	IsDeprecated      bool
	DeprecationReason *string
}

type introspectedRef struct {
	Kind, Name string
	OfType     *introspectedRef
}

// ParseIntrospection reads a schema from the result of an introspection query: the whole response, or its data. Introspection does not tell
// directives on types and fields, so such a schema has no cache hints, keys and costs of its own.
func ParseIntrospection(result []byte) (*Schema, error) {
	type payload struct {
		Schema *introspected `json:"__schema"`
	}
	var answer struct {
		payload
		Data   *payload
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(result, &answer); err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	in := answer.Schema
	if in == nil && answer.Data != nil {
		in = answer.Data.Schema
	}
	if in == nil {
		if len(answer.Errors) > 0 {
			return nil, fmt.Errorf("introspection: the server refused: %s", answer.Errors[0].Message)
		}
		return nil, errors.New("introspection: there is no __schema in the result")
	}
	doc, err := in.document()
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	return load("introspection", doc)
}

// nowhere is the position of definitions that were written in no document.
func nowhere() *ast.Position {
	return &ast.Position{Line: 1, Column: 1, Src: &ast.Source{Name: "introspection"}}
}

func (in *introspected) document() (*ast.SchemaDocument, error) {
	doc := &ast.SchemaDocument{}
	roots := &ast.SchemaDefinition{Position: nowhere()}
	for _, r := range []struct {
		op   ast.Operation
		root *struct{ Name string }
	}{{ast.Query, in.QueryType}, {ast.Mutation, in.MutationType}, {ast.Subscription, in.SubscriptionType}} {
		if r.root != nil {
			roots.OperationTypes = append(roots.OperationTypes, &ast.OperationTypeDefinition{Operation: r.op, Type: r.root.Name, Position: nowhere()})
		}
	}
	doc.Schema = ast.SchemaDefinitionList{roots}
	for i := range in.Types {
		t := &in.Types[i]
		if strings.HasPrefix(t.Name, "__") || t.Kind == "SCALAR" && specified(t.Name) {
			continue
		}
		d, err := t.definition()
		if err != nil {
			return nil, fmt.Errorf("type %s: %w", t.Name, err)
		}
		doc.Definitions = append(doc.Definitions, d)
	}
	for _, d := range in.Directives {
		args, err := arguments(d.Args)
		if err != nil {
			return nil, fmt.Errorf("directive @%s: %w", d.Name, err)
		}
		def := &ast.DirectiveDefinition{Name: d.Name, Arguments: args, IsRepeatable: d.IsRepeatable, Position: nowhere()}
		for _, l := range d.Locations {
			def.Locations = append(def.Locations, ast.DirectiveLocation(l))
		}
		doc.Directives = append(doc.Directives, def)
	}
	return doc, nil
}

func specified(scalar string) bool {
	switch scalar {
	case "Int", "Float", "String", "Boolean", "ID":
		return true
	}
	return false
}

func (t *introspectedType) definition() (*ast.Definition, error) {
	d := &ast.Definition{Kind: ast.DefinitionKind(t.Kind), Name: t.Name, Position: nowhere()}
	switch d.Kind {
	case ast.Scalar, ast.Object, ast.Interface, ast.Union, ast.Enum, ast.InputObject:
	default:
		return nil, fmt.Errorf("unknown kind %q", t.Kind)
	}
	if t.IsOneOf {
		d.Directives = append(d.Directives, &ast.Directive{Name: "oneOf", Position: nowhere()})
	}
	if t.SpecifiedByURL != nil {
		d.Directives = append(d.Directives, withText("specifiedBy", "url", *t.SpecifiedByURL))
	}
	for _, i := range t.Interfaces {
		d.Interfaces = append(d.Interfaces, i.Name)
	}
	if d.Kind == ast.Union { // of an interface, the objects themselves tell
		for _, p := range t.PossibleTypes {
			d.Types = append(d.Types, p.Name)
		}
	}
	for _, v := range t.EnumValues {
		d.EnumValues = append(d.EnumValues, &ast.EnumValueDefinition{Name: v.Name, Directives: deprecated(v.IsDeprecated, v.DeprecationReason), Position: nowhere()})
	}
	for _, f := range t.Fields {
		field, err := f.field()
		if err != nil {
			return nil, err
		}
		if field.Arguments, err = arguments(f.Args); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		d.Fields = append(d.Fields, field)
	}
	for _, f := range t.InputFields {
		field, err := f.field()
		if err != nil {
			return nil, err
		}
		d.Fields = append(d.Fields, field)
	}
	return d, nil
}

func (f *introspectedInput) field() (*ast.FieldDefinition, error) {
	t, value, err := f.parts()
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", f.Name, err)
	}
	return &ast.FieldDefinition{Name: f.Name, Type: t, DefaultValue: value, Directives: deprecated(f.IsDeprecated, f.DeprecationReason), Position: nowhere()}, nil
}

func arguments(list []introspectedInput) (ast.ArgumentDefinitionList, error) {
	var out ast.ArgumentDefinitionList
	for i := range list {
		a := &list[i]
		t, value, err := a.parts()
		if err != nil {
			return nil, fmt.Errorf("argument %s: %w", a.Name, err)
		}
		out = append(out, &ast.ArgumentDefinition{Name: a.Name, Type: t, DefaultValue: value, Directives: deprecated(a.IsDeprecated, a.DeprecationReason), Position: nowhere()})
	}
	return out, nil
}

func (f *introspectedInput) parts() (t *ast.Type, value *ast.Value, err error) {
	if t, err = f.Type.typ(); err == nil && f.DefaultValue != nil {
		value, err = parseLiteral(*f.DefaultValue)
	}
	return t, value, err
}

func (r *introspectedRef) typ() (*ast.Type, error) {
	switch {
	case r == nil:
		return nil, errors.New("its type is wrapped deeper than the query asked")
	case r.Kind == "NON_NULL":
		t, err := r.OfType.typ()
		if err == nil {
			t.NonNull = true
		}
		return t, err
	case r.Kind == "LIST":
		t, err := r.OfType.typ()
		return ast.ListType(t, nowhere()), err
	case r.Name == "":
		return nil, errors.New("its type has no name")
	}
	return ast.NamedType(r.Name, nowhere()), nil
}

// parseLiteral reads a default value, which introspection gives as a literal of the GraphQL language.
func parseLiteral(text string) (*ast.Value, error) {
	doc, err := parser.ParseQuery(&ast.Source{Input: "{f(a:" + text + "\n)}"})
	if err == nil && len(doc.Operations) == 1 && len(doc.Operations[0].SelectionSet) == 1 {
		if f, ok := doc.Operations[0].SelectionSet[0].(*ast.Field); ok && len(f.Arguments) == 1 {
			return f.Arguments[0].Value, nil
		}
	}
	return nil, fmt.Errorf("the default %s is not a value", strconv.Quote(clip(text)))
}

func deprecated(yes bool, reason *string) ast.DirectiveList {
	switch {
	case !yes:
		return nil
	case reason == nil:
		return ast.DirectiveList{&ast.Directive{Name: "deprecated", Position: nowhere()}}
	}
	return ast.DirectiveList{withText("deprecated", "reason", *reason)}
}

func withText(directive, argument, text string) *ast.Directive {
	value := &ast.Value{Kind: ast.StringValue, Raw: text, Position: nowhere()}
	return &ast.Directive{Name: directive, Arguments: ast.ArgumentList{&ast.Argument{Name: argument, Value: value, Position: nowhere()}}, Position: nowhere()}
}

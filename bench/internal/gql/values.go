package gql

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// variables coerces the request's variables to the types of the operation (CoerceVariableValues, specification 6.1.2).
func (e *Engine) variables(op *ast.OperationDefinition, given map[string]any) (map[string]any, []Error) {
	out := make(map[string]any, len(op.VariableDefinitions))
	var errs []Error
	for _, d := range op.VariableDefinitions {
		value, present := given[d.Variable]
		if !present && d.DefaultValue != nil {
			literal, err := d.DefaultValue.Value(nil)
			if err == nil {
				literal, err = e.coerce(d.Type, literal)
			}
			if err == nil {
				out[d.Variable] = literal
				continue
			}
			errs = append(errs, variableError(d, err))
			continue
		}
		if !present {
			if d.Type.NonNull {
				errs = append(errs, variableError(d, fmt.Errorf("it is required and was not given")))
			}
			continue
		}
		v, err := e.coerce(d.Type, value)
		if err != nil {
			errs = append(errs, variableError(d, err))
			continue
		}
		out[d.Variable] = v
	}
	return out, errs
}

func variableError(d *ast.VariableDefinition, err error) Error {
	e := Error{Message: fmt.Sprintf("variable $%s of type %s: %v", d.Variable, d.Type, err), Code: "BAD_USER_INPUT"}
	if d.Position != nil {
		e.Line, e.Column = d.Position.Line, d.Position.Column
	}
	return e
}

// arguments coerces the arguments of one field (CoerceArgumentValues, specification 6.4.1).
func (x *execution) arguments(def *ast.FieldDefinition, f *ast.Field) (map[string]any, error) {
	out := make(map[string]any, len(def.Arguments))
	for _, a := range def.Arguments {
		given := f.Arguments.ForName(a.Name)
		var value any
		present := given != nil
		if present && given.Value.Kind == ast.Variable {
			value, present = x.vars[given.Value.Raw]
		} else if present {
			v, err := given.Value.Value(x.vars)
			if err != nil {
				return nil, fmt.Errorf("argument %s: %w", a.Name, err)
			}
			value = v
		}
		if !present && a.DefaultValue != nil {
			v, err := a.DefaultValue.Value(nil)
			if err != nil {
				return nil, fmt.Errorf("argument %s: %w", a.Name, err)
			}
			value, present = v, true
		}
		if !present {
			if a.Type.NonNull {
				return nil, fmt.Errorf("argument %s of type %s is required and was not given", a.Name, a.Type)
			}
			continue
		}
		v, err := x.e.coerce(a.Type, value)
		if err != nil {
			return nil, fmt.Errorf("argument %s: %w", a.Name, err)
		}
		out[a.Name] = v
	}
	return out, nil
}

// coerce brings an input value to type t (input coercion, specification 3). The value comes from JSON (numbers as json.Number), from a literal,
// or was coerced before.
func (e *Engine) coerce(t *ast.Type, value any) (any, error) {
	if value == nil {
		if t.NonNull {
			return nil, fmt.Errorf("null is not allowed for %s", t)
		}
		return nil, nil
	}
	if t.Elem != nil {
		items, ok := value.([]any)
		if !ok { // a single value stands for a list of one
			items = []any{value}
		}
		out := make([]any, len(items))
		for i, item := range items {
			v, err := e.coerce(t.Elem, item)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out[i] = v
		}
		return out, nil
	}
	def := e.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		if s, ok := value.(string); ok && def.EnumValues.ForName(s) != nil {
			return s, nil
		}
		return nil, fmt.Errorf("%v is no value of %s", value, def.Name)
	case ast.InputObject:
		return e.inputObject(def, value)
	default:
		if !def.BuiltIn {
			return opaque(value), nil
		}
		return scalar(def.Name, value)
	}
}

func (e *Engine) inputObject(def *ast.Definition, value any) (any, error) {
	given, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s must be an object", def.Name)
	}
	for name := range given {
		if def.Fields.ForName(name) == nil {
			return nil, fmt.Errorf("%s has no field %q", def.Name, name)
		}
	}
	out := make(map[string]any, len(def.Fields))
	for _, f := range def.Fields {
		v, present := given[f.Name]
		if !present && f.DefaultValue != nil {
			literal, err := f.DefaultValue.Value(nil)
			if err != nil {
				return nil, err
			}
			v, present = literal, true
		}
		if !present {
			if f.Type.NonNull {
				return nil, fmt.Errorf("%s.%s is required and was not given", def.Name, f.Name)
			}
			continue
		}
		c, err := e.coerce(f.Type, v)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", def.Name, f.Name, err)
		}
		out[f.Name] = c
	}
	return out, nil
}

// opaque is a value of a custom scalar, which passes as it is; the parser gives an empty list as nil.
func opaque(value any) any {
	switch v := value.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = opaque(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = opaque(v[k])
		}
		return out
	}
	return value
}

func scalar(name string, value any) (any, error) {
	if n, ok := value.(json.Number); ok {
		value = number(n)
	}
	switch name {
	case "Int":
		switch n := value.(type) {
		case int64:
			if n >= math.MinInt32 && n <= math.MaxInt32 {
				return n, nil
			}
		case float64:
			if n == math.Trunc(n) && n >= math.MinInt32 && n <= math.MaxInt32 {
				return int64(n), nil
			}
		}
	case "Float":
		switch n := value.(type) {
		case int64:
			return float64(n), nil
		case float64:
			if !math.IsInf(n, 0) && !math.IsNaN(n) {
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
	case "String":
		if s, ok := value.(string); ok {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s cannot represent %v", name, value)
}

// number gives a JSON number its Go form: int64 when it is written without fraction and exponent and fits, else float64.
func number(n json.Number) any {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return math.Inf(1) // refused by every numeric scalar
	}
	return f
}

package subgraphs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// selection is a set of fields, as in @key, @requires and @provides.
type selection struct {
	text string
	set  ast.SelectionSet
}

func parseSelection(text string) (*selection, error) {
	doc, err := parser.ParseQuery(&ast.Source{Input: "{" + text + "}"})
	if err != nil {
		return nil, fmt.Errorf("selection %q: %w", text, err)
	}
	return &selection{text, doc.Operations[0].SelectionSet}, nil
}

// render writes what a selection finds in a row or in a representation. whole is false when a representation lacks some of it. What fails counts as null.
func (d *Data) render(set ast.SelectionSet, v any) (text string, whole bool) {
	var b strings.Builder
	whole = d.renderTo(&b, set, v)
	return b.String(), whole
}

func (d *Data) renderTo(b *strings.Builder, set ast.SelectionSet, v any) (whole bool) {
	whole = true
	switch x := v.(type) {
	case json.RawMessage: // as a representation brings it
		return d.renderTo(b, set, decoded(x))
	case *Row, map[string]any:
		if given, ok := v.(map[string]any); ok && len(set) == 0 { // of a custom scalar
			text(b, given)
			return true
		}
		if len(set) == 0 {
			return false
		}
		b.WriteByte('{')
		whole = d.renderMembers(b, set, x)
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, item := range x {
			if i > 0 {
				b.WriteByte(',')
			}
			whole = d.renderTo(b, set, item) && whole
		}
		b.WriteByte(']')
	default:
		if n, ok := v.(json.Number); ok {
			v = number(n)
		}
		text(b, v)
	}
	return whole
}

func text(b *strings.Builder, v any) {
	shown, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a value is no JSON: " + err.Error())
	}
	b.Write(shown)
}

func decoded(raw json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic("BUG: a value is no JSON: " + err.Error())
	}
	return v
}

func (d *Data) renderMembers(b *strings.Builder, set ast.SelectionSet, v any) (whole bool) {
	whole = true
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			value, ok := d.member(v, s)
			b.WriteString(s.Name + ":")
			whole = d.renderTo(b, s.SelectionSet, value) && ok && whole
			b.WriteByte(' ')
		case *ast.InlineFragment:
			if d.is(typeName(v), s.TypeCondition) {
				whole = d.renderMembers(b, s.SelectionSet, v) && whole
			}
		}
	}
	return whole
}

func (d *Data) member(v any, f *ast.Field) (value any, ok bool) {
	switch x := v.(type) {
	case *Row:
		args := map[string]any{}
		for _, a := range f.Arguments {
			args[a.Name], _ = a.Value.Value(nil)
		}
		value, err := d.value(x, f.Name, args)
		if err != nil {
			return nil, true
		}
		return value, true
	case map[string]any:
		value, ok = x[f.Name]
	}
	return value, ok
}

func typeName(v any) string {
	switch x := v.(type) {
	case *Row:
		return x.Type
	case map[string]any:
		name, _ := x["__typename"].(string)
		return name
	}
	return ""
}

// is tells that an object type satisfies a type condition.
func (d *Data) is(object, condition string) bool {
	if condition == "" || object == condition {
		return true
	}
	for _, o := range d.Objects[condition] {
		if o == object {
			return true
		}
	}
	return false
}

package differential

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// variable declares one, with a value, without one, or with a default, and returns its name.
func (a *asker) variable(typ string) string {
	a.count++
	name := fmt.Sprintf("v%d", a.count)
	t := typeOf(typ)
	def := "$" + name + ": " + typ
	given := true
	if a.oneIn(4) {
		def += " = " + a.literal(t, 0)
		given = a.oneIn(2)
	} else if !t.NonNull && a.oneIn(5) {
		given = false
	}
	if given {
		a.values[name] = a.json(t, 0)
	}
	a.defs = append(a.defs, def)
	return name
}

// typeOf parses a type.
func typeOf(text string) *ast.Type {
	doc, err := parser.ParseQuery(&ast.Source{Input: "query($v: " + text + ") { x }"})
	if err != nil {
		panic("BUG: no type: " + text)
	}
	return doc.Operations[0].VariableDefinitions[0].Type
}

// json makes a value in the form of decoded JSON.
func (a *asker) json(t *ast.Type, depth int) any {
	if !t.NonNull && a.oneIn(8) {
		return nil
	}
	if t.Elem != nil {
		list := []any{}
		for range a.r.IntN(3) {
			list = append(list, a.json(t.Elem, depth))
		}
		return list
	}
	def := a.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		return pick(a.r, def.EnumValues).Name
	case ast.InputObject:
		out := map[string]any{}
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || depth < 2 && a.oneIn(2) {
				out[f.Name] = a.json(f.Type, depth+1)
			}
		}
		return out
	}
	switch t.NamedType {
	case "JSON":
		return a.anything(0)
	case "Int":
		return a.r.IntN(5)
	case "Float":
		return float64(a.r.IntN(100)) / 4
	case "Boolean":
		return a.oneIn(2)
	}
	return pick(a.r, []string{"t", "é \"q\"", "a\nb", ""})
}

// literal makes a value as it is written in a document.
func (a *asker) literal(t *ast.Type, depth int) string { return a.write(t, a.json(t, depth)) }

func (a *asker) write(t *ast.Type, v any) string {
	if t.NamedType == "JSON" {
		return a.writeAny(v)
	}
	switch x := v.(type) {
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = a.write(t.Elem, item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, f := range a.schema.Types[t.NamedType].Fields {
			if item, ok := x[f.Name]; ok {
				parts = append(parts, f.Name+": "+a.write(f.Type, item))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case string:
		if a.schema.Types[t.NamedType].Kind == ast.Enum {
			return x
		}
	}
	shown, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a value is no JSON: " + err.Error())
	}
	return string(shown)
}

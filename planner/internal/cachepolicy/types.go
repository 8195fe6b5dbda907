package cachepolicy

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// possible lists the object types of a composite type, sorted by name; none for other types.
func (w *walker) possible(name string) []*ast.Definition {
	list, known := w.types[name]
	if known {
		return list
	}
	switch d := w.schema.Types[name]; {
	case d == nil:
	case d.Kind == ast.Object:
		list = []*ast.Definition{d}
	case d.IsAbstractType():
		for _, p := range w.schema.GetPossibleTypes(d) {
			if p.Kind == ast.Object {
				list = append(list, p)
			}
		}
		list = distinct(list)
	}
	w.types[name] = list
	return list
}

// narrow keeps those of the sorted types that a type condition lets through; "" lets all.
func (w *walker) narrow(on []*ast.Definition, condition string) []*ast.Definition {
	if condition == "" {
		return on
	}
	other := w.possible(condition)
	if len(other) == len(on) && slices.Equal(on, other) {
		return on
	}
	w.work += len(on) / 16
	var out []*ast.Definition
	for i, j := 0, 0; i < len(on) && j < len(other); {
		switch c := strings.Compare(on[i].Name, other[j].Name); {
		case c < 0:
			i++
		case c > 0:
			j++
		default:
			out = append(out, on[i])
			i++
			j++
		}
	}
	return out
}

// number gives equal sets of types the same number.
func (w *walker) number(types []*ast.Definition) int {
	w.work += len(types) / 16
	var key strings.Builder
	for _, t := range types {
		key.WriteString(t.Name)
		key.WriteByte(' ')
	}
	n, known := w.sets[key.String()]
	if !known {
		n = len(w.sets)
		w.sets[key.String()] = n
	}
	return n
}

// distinct sorts by name and leaves out repetitions.
func distinct(list []*ast.Definition) []*ast.Definition {
	slices.SortFunc(list, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(list)
}

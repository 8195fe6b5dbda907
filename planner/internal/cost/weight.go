package cost

import (
	"math"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// ceiling is where costs stop growing. It is far beyond any budget, and products of two such numbers are still finite.
const ceiling = 1e18

func plus(a, b float64) float64 { return min(a+b, ceiling) }

func times(a, b float64) float64 { return min(a*b, ceiling) }

// Weight reads the weight that a @cost gives and tells whether it is one: a finite number of at most 1e18, in a string as the
// specification has it, or by itself, as some schemas do.
func Weight(v *ast.Value) (float64, bool) {
	switch v.Kind {
	case ast.StringValue, ast.BlockValue, ast.IntValue, ast.FloatValue:
		w, err := strconv.ParseFloat(v.Raw, 64)
		return w, err == nil && math.Abs(w) <= ceiling
	}
	return 0, false
}

// weights answers what things weigh, types looked up once.
type weights struct {
	schema *ast.Schema
	types  map[string]float64
}

// weight is what @cost says, if there is one. A directive of that name without a weight is somebody else's.
func weight(directives ast.DirectiveList, otherwise float64) float64 {
	if d := directives.ForName("cost"); d != nil {
		if a := d.Arguments.ForName("weight"); a != nil && a.Value != nil {
			if w, ok := Weight(a.Value); ok {
				return w
			}
		}
	}
	return otherwise
}

// typ is the weight of one value of a type that is not abstract; it is never negative.
func (w *weights) typ(name string) float64 {
	x, known := w.types[name]
	if !known {
		if d := w.schema.Types[name]; d != nil {
			x = max(weight(d.Directives, composite(d)), 0)
		}
		w.types[name] = x
	}
	return x
}

// composite is the default weight of a type, and of what has it.
func composite(d *ast.Definition) float64 {
	if d == nil || d.IsLeafType() {
		return 0
	}
	return 1
}

func (w *weights) place(directives ast.DirectiveList, t *ast.Type) float64 {
	return weight(directives, composite(w.schema.Types[t.Name()]))
}

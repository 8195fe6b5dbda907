package cost

import (
	"fmt"
	"math"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// ceiling is where costs stop growing. It is far beyond any budget, and products of two such numbers are still finite.
const ceiling = 1e18

func plus(a, b float64) float64 { return min(a+b, ceiling) }

func times(a, b float64) float64 { return min(a*b, ceiling) }

// weight reads @cost. ok is false when there is none. A weight is a number in a string; some schemas write it as a number.
func weight(directives ast.DirectiveList, of string) (w float64, ok bool, err error) {
	d := directives.ForName("cost")
	if d == nil {
		return 0, false, nil
	}
	a := d.Arguments.ForName("weight")
	if a == nil || a.Value == nil {
		return 0, false, fmt.Errorf("@cost on %s has no weight", of)
	}
	switch a.Value.Kind {
	case ast.StringValue, ast.BlockValue, ast.IntValue, ast.FloatValue:
		w, err = strconv.ParseFloat(a.Value.Raw, 64)
		if err == nil && !math.IsNaN(w) && math.Abs(w) <= ceiling {
			return w, true, nil
		}
	}
	return 0, false, fmt.Errorf("@cost on %s: the weight %s is not a number", of, a.Value)
}

// weights answers what things weigh, each looked up once.
type weights struct {
	schema *ast.Schema
	err    error // the first that was found
	types  map[string]float64
}

func (w *weights) read(directives ast.DirectiveList, otherwise float64, of string) float64 {
	x, ok, err := weight(directives, of)
	if err != nil && w.err == nil {
		w.err = err
	}
	if !ok {
		return otherwise
	}
	return x
}

// typ is the weight of one value of a type that is not abstract; it is never negative.
func (w *weights) typ(name string) float64 {
	x, known := w.types[name]
	if !known {
		if d := w.schema.Types[name]; d != nil {
			x = max(w.read(d.Directives, composite(d), "type "+name), 0)
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

func (w *weights) place(directives ast.DirectiveList, t *ast.Type, of string) float64 {
	return w.read(directives, composite(w.schema.Types[t.Name()]), of)
}

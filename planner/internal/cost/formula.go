package cost

import (
	"sync"

	"github.com/weirproxy/weir/planner/internal/coerce"
)

// Formula is the price of one operation as a function of its variables: a list of nodes, each standing behind those it is
// made of. What does not depend on variables was added up by Compile, so a formula without variables has no nodes.
type Formula struct {
	root  operand
	nodes []node
	terms []term

	refs   []int32 // nodes terms refer to
	inputs []input
	calls  []call
	sizes  []size
	bounds []bound // of sizes
	guards []guard
	flags  []flag // of guards
	types  []inputType

	variables map[string]int32 // those the formula asks for, numbered

	pool sync.Pool // of *scratch, for formulas of many nodes or variables
}

// scratch is what one evaluation works with.
type scratch struct {
	nodes  []Cost
	values []coerce.Value // by variable
}

// span is a part of one of the formula's lists.
type span struct{ lo, hi int32 }

func makeSpan(lo, hi int) span { return span{int32(lo), int32(hi)} }

// operand is a cost that is known, or a node.
type operand struct {
	known Cost
	node  int32 // -1: known
}

// node is the cost of one value of an object type with what is selected of it.
type node struct {
	known Cost
	terms span
}

// term is the cost of one field whose cost depends on variables.
type term struct {
	guards span    // the field is resolved when one of them holds; none: always
	calls  span    // the dearest counts
	times  float64 // known part of the number of values
	size   int32   // the rest of it, -1: none
	value  Cost    // of one value: the dearest of this
	nodes  span    // and of these (refs)
}

// call is what one resolver call costs before it is rounded up to zero.
type call struct {
	known  float64
	inputs span
}

// An evaluation of so many nodes and variables needs no scratch from the pool.
const (
	fewNodes     = 64
	fewVariables = 32
)

// Evaluate computes the price for the coerced variables in v, nil standing for none. It does not allocate; a formula of more
// than 64 nodes or 32 variables does when it is evaluated for the first time.
func (f *Formula) Evaluate(v *coerce.Values) Cost {
	if f.root.node < 0 {
		return f.root.known
	}
	if len(f.nodes) <= fewNodes && len(f.variables) <= fewVariables {
		var nodes [fewNodes]Cost
		var values [fewVariables]coerce.Value
		return f.evaluate(v, nodes[:], values[:])
	}
	s, ok := f.pool.Get().(*scratch)
	if !ok {
		s = &scratch{make([]Cost, len(f.nodes)), make([]coerce.Value, len(f.variables))}
	}
	cost := f.evaluate(v, s.nodes, s.values)
	clear(s.values) // they lie in the caller's buffer
	f.pool.Put(s)
	return cost
}

func (f *Formula) evaluate(v *coerce.Values, nodes []Cost, values []coerce.Value) Cost {
	if v != nil {
		m := v.Members()
		for name, value, ok := m.Next(); ok; name, value, ok = m.Next() {
			if i, used := f.variables[string(name)]; used {
				values[i] = value
			}
		}
	}
	for i := range f.nodes {
		n := &f.nodes[i]
		sum := n.known
		for t := n.terms.lo; t < n.terms.hi; t++ {
			f.add(&sum, &f.terms[t], values, nodes)
		}
		nodes[i] = sum
	}
	return nodes[f.root.node]
}

func (f *Formula) add(sum *Cost, t *term, values []coerce.Value, nodes []Cost) {
	if !f.open(t.guards, values) {
		return
	}
	n := t.times
	if t.size >= 0 {
		n = times(n, f.size(t.size, values))
	}
	value := t.value
	for _, r := range f.refs[t.nodes.lo:t.nodes.hi] {
		value.Type = max(value.Type, nodes[r].Type)
		value.Field = max(value.Field, nodes[r].Field)
	}
	dearest := 0.0
	for i := t.calls.lo; i < t.calls.hi; i++ {
		c := &f.calls[i]
		x := c.known
		for j := c.inputs.lo; j < c.inputs.hi; j++ {
			x += f.input(&f.inputs[j], values)
		}
		dearest = max(dearest, x)
	}
	sum.Type = plus(sum.Type, times(n, value.Type))
	sum.Field = plus(sum.Field, plus(dearest, times(n, value.Field)))
}

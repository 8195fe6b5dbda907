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

	scratch sync.Pool // of *[]Cost, for formulas of many nodes
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

// few is how many nodes are evaluated on the stack.
const few = 64

// Evaluate computes the price for the coerced variables in v, nil standing for none. It does not allocate once formulas of
// more than 64 nodes were evaluated before.
func (f *Formula) Evaluate(v *coerce.Values) Cost {
	if f.root.node < 0 {
		return f.root.known
	}
	if v == nil {
		v = &coerce.Values{}
	}
	var stack [few]Cost
	values := stack[:]
	if len(f.nodes) > few {
		kept, ok := f.scratch.Get().(*[]Cost)
		if !ok {
			made := make([]Cost, len(f.nodes))
			kept = &made
		}
		defer f.scratch.Put(kept)
		values = *kept
	}
	for i := range f.nodes {
		n := &f.nodes[i]
		sum := n.known
		for t := n.terms.lo; t < n.terms.hi; t++ {
			f.add(&sum, &f.terms[t], v, values)
		}
		values[i] = sum
	}
	return values[f.root.node]
}

func (f *Formula) add(sum *Cost, t *term, v *coerce.Values, values []Cost) {
	if !f.open(t.guards, v) {
		return
	}
	n := t.times
	if t.size >= 0 {
		n = times(n, f.size(t.size, v))
	}
	value := t.value
	for _, r := range f.refs[t.nodes.lo:t.nodes.hi] {
		value.Type = max(value.Type, values[r].Type)
		value.Field = max(value.Field, values[r].Field)
	}
	dearest := 0.0
	for i := t.calls.lo; i < t.calls.hi; i++ {
		c := &f.calls[i]
		x := c.known
		for j := c.inputs.lo; j < c.inputs.hi; j++ {
			x += f.input(&f.inputs[j], v)
		}
		dearest = max(dearest, x)
	}
	sum.Type = plus(sum.Type, times(n, value.Type))
	sum.Field = plus(sum.Field, plus(dearest, times(n, value.Field)))
}

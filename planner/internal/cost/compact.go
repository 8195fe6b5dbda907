package cost

import "slices"

// compact returns the formula without what Compile made and did not use in the end.
func (f *Formula) compact() *Formula {
	out := &Formula{root: f.root}
	if f.root.node < 0 {
		return out
	}
	used := make([]bool, len(f.nodes))
	used[f.root.node] = true
	for i := len(f.nodes) - 1; i >= 0; i-- { // a node stands behind those it is made of
		if !used[i] {
			continue
		}
		for _, t := range f.terms[f.nodes[i].terms.lo:f.nodes[i].terms.hi] {
			for _, r := range f.refs[t.nodes.lo:t.nodes.hi] {
				used[r] = true
			}
		}
	}
	moved := make([]int32, len(f.nodes))
	sizes := make(map[int32]int32)
	for i, n := range f.nodes {
		if !used[i] {
			continue
		}
		moved[i] = int32(len(out.nodes))
		lo := len(out.terms)
		for _, t := range f.terms[n.terms.lo:n.terms.hi] {
			out.terms = append(out.terms, out.take(f, t, moved, sizes))
		}
		n.terms = makeSpan(lo, len(out.terms))
		out.nodes = append(out.nodes, n)
	}
	out.root.node = moved[f.root.node]
	out.types, out.variables = f.types, f.variables
	out.clip()
	return out
}

// take copies a term's parts from f.
func (out *Formula) take(f *Formula, t term, moved []int32, sizes map[int32]int32) term {
	lo := len(out.guards)
	for _, g := range f.guards[t.guards.lo:t.guards.hi] {
		first := len(out.flags)
		out.flags = append(out.flags, f.flags[g.flags.lo:g.flags.hi]...)
		out.guards = append(out.guards, guard{makeSpan(first, len(out.flags))})
	}
	t.guards = makeSpan(lo, len(out.guards))

	lo = len(out.calls)
	for _, one := range f.calls[t.calls.lo:t.calls.hi] {
		first := len(out.inputs)
		out.inputs = append(out.inputs, f.inputs[one.inputs.lo:one.inputs.hi]...)
		one.inputs = makeSpan(first, len(out.inputs))
		out.calls = append(out.calls, one)
	}
	t.calls = makeSpan(lo, len(out.calls))

	lo = len(out.refs)
	for _, r := range f.refs[t.nodes.lo:t.nodes.hi] {
		out.refs = append(out.refs, moved[r])
	}
	t.nodes = makeSpan(lo, len(out.refs))

	if t.size >= 0 {
		at, known := sizes[t.size]
		if !known {
			s := f.sizes[t.size]
			first := len(out.bounds)
			out.bounds = append(out.bounds, f.bounds[s.bounds.lo:s.bounds.hi]...)
			s.bounds = makeSpan(first, len(out.bounds))
			at = int32(len(out.sizes))
			out.sizes = append(out.sizes, s)
			sizes[t.size] = at
		}
		t.size = at
	}
	return t
}

// clip gives back what the lists have room for and do not use: formulas live long.
func (out *Formula) clip() {
	out.nodes, out.terms, out.refs = slices.Clone(out.nodes), slices.Clone(out.terms), slices.Clone(out.refs)
	out.inputs, out.calls = slices.Clone(out.inputs), slices.Clone(out.calls)
	out.sizes, out.bounds = slices.Clone(out.sizes), slices.Clone(out.bounds)
	out.guards, out.flags = slices.Clone(out.guards), slices.Clone(out.flags)
}

package execute

import (
	"bytes"

	"github.com/weirproxy/weir/planner"
)

// asked is what a step asked for: for each of its lookups which representation stands for which objects.
type asked struct {
	refs     []reference
	lookups  []int32    // where the references of a lookup begin
	firsts   []int32    // where the representations of a lookup begin in heads
	heads    []int32    // the first reference of each representation
	steps    []int32    // paths of the references: ^name for a step, or an index
	distinct table      // of the lookup that is written
	ranges   [][2]int32 // of its representations in the body
	tails    []int32    // the last reference of each of them
}

// reference is an object that waits for an entity.
type reference struct {
	object         int32
	representation int32
	target         int32
	next           int32 // reference of the same representation; -1: none
	path, pathLen  int32
}

func (a *asked) reset() {
	a.refs, a.lookups, a.firsts, a.heads, a.steps = a.refs[:0], a.lookups[:0], a.firsts[:0], a.heads[:0], a.steps[:0]
}

// headsOf returns the first references of the representations of a lookup.
func (a *asked) headsOf(lookup int) []int32 {
	end := len(a.heads)
	if lookup+1 < len(a.firsts) {
		end = int(a.firsts[lookup+1])
	}
	return a.heads[a.firsts[lookup]:end]
}

// of returns the references of a lookup.
func (a *asked) of(lookup int) []reference {
	end := len(a.refs)
	if lookup+1 < len(a.lookups) {
		end = int(a.lookups[lookup+1])
	}
	return a.refs[a.lookups[lookup]:end]
}

// represent writes the variable of a lookup and reports whether it has representations.
func (r *run) represent(b []byte, step *planner.FetchStep, number int, c *fetchCall) ([]byte, bool) {
	l, a := &step.Lookups[number], &c.asked
	r.remember(step, number)
	a.lookups = append(a.lookups, int32(len(a.refs)))
	a.firsts = append(a.firsts, int32(len(a.heads)))
	a.distinct.reset()
	a.ranges, a.tails = a.ranges[:0], a.tails[:0]
	b = append(append(append(b, '"'), l.Variable...), '"', ':', '[')
	w := walk{r: r, a: a, b: b, lookup: l}
	for i := range l.Targets {
		w.target = int32(i)
		r.indexes = r.indexes[:0]
		w.into(0, &l.Targets[i], 0)
	}
	b = append(w.b, ']')
	if r.keeps {
		b = r.recall(step, number, c, b)
	}
	return b, len(a.ranges) > 0
}

type walk struct {
	r      *run
	a      *asked
	b      []byte
	lookup *planner.FetchLookup
	target int32
}

// into follows a target's path from an object.
func (w *walk) into(o int32, t *planner.FetchTarget, depth int) {
	if depth == len(t.Path) {
		w.ask(o, t)
		return
	}
	w.r.indexes = append(w.r.indexes, ^int32(depth))
	w.value(w.r.slot(o, t.Path[depth].Slot), t, depth)
	w.r.indexes = w.r.indexes[:len(w.r.indexes)-1]
}

func (w *walk) value(v value, t *planner.FetchTarget, depth int) {
	switch v.kind {
	case object:
		if t.Path[depth].Types.Has(w.r.objects[v.at].typ) {
			w.into(v.at, t, depth+1)
		}
	case list:
		for i := v.at; i < v.end; i++ {
			w.r.indexes = append(w.r.indexes, i-v.at)
			w.value(w.r.slots[i], t, depth)
			w.r.indexes = w.r.indexes[:len(w.r.indexes)-1]
		}
	}
}

// ask writes the representation of an object, unless one with the same bytes is there.
func (w *walk) ask(o int32, t *planner.FetchTarget) {
	r, a := w.r, w.a
	hash, ok := r.sum(o, t.Representation, 0)
	if !ok || len(r.memo.objects) > 0 && r.remembered(o, int(w.target), t.Representation, hash) {
		return
	}
	ref := int32(len(a.refs))
	n, known := a.distinct.find(hash, func(n int32) bool { return w.same(n, o, t.Representation) })
	if known {
		a.refs[a.tails[n]].next = ref
		a.tails[n] = ref
	} else {
		if n > 0 {
			w.b = append(w.b, ',')
		}
		start := len(w.b)
		w.b = r.writeRepresentation(w.b, o, t.Representation)
		a.ranges = append(a.ranges, [2]int32{int32(start), int32(len(w.b))})
		a.heads, a.tails = append(a.heads, ref), append(a.tails, ref)
	}
	a.refs = append(a.refs, reference{o, n, w.target, -1, int32(len(a.steps)), int32(len(r.indexes))})
	a.steps = append(a.steps, r.indexes...)
}

// same tells whether a representation that is there already is that of an object.
func (w *walk) same(n, o int32, rep int) bool {
	r, a := w.r, w.a
	known := &a.refs[a.headsOf(len(a.firsts) - 1)[n]]
	if w.lookup.Targets[known.target].Representation == rep {
		return r.alike(known.object, o, rep)
	}
	end := len(w.b)
	w.b = r.writeRepresentation(w.b, o, rep)
	same := bytes.Equal(w.b[end:], w.b[a.ranges[n][0]:a.ranges[n][1]])
	w.b = w.b[:end]
	return same
}

// writeRepresentation writes an object that has a sum.
func (r *run) writeRepresentation(b []byte, o int32, index int) []byte {
	rep, typ := &r.plan.Representations[index], r.objects[o].typ
	b = append(b, '{')
	first := true
	name := rep.Typename
	if rep.OwnTypename {
		name = r.plan.Types[typ].Name
	}
	if name != "" {
		b = append(append(append(b, `"__typename":"`...), name...), '"')
		first = false
	}
	for i := range rep.Fields {
		f := &rep.Fields[i]
		if !f.Types.Has(typ) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = r.writeValue(append(b, f.Prefix...), r.slot(o, f.Slot), f.Representation)
	}
	return append(b, '}')
}

func (r *run) writeValue(b []byte, v value, rep int) []byte {
	switch v.kind {
	case leaf:
		return append(b, r.of(v)...)
	case object:
		return r.writeRepresentation(b, v.at, rep)
	case list:
		b = append(b, '[')
		for i := v.at; i < v.end; i++ {
			if i > v.at {
				b = append(b, ',')
			}
			b = r.writeValue(b, r.slots[i], rep)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}

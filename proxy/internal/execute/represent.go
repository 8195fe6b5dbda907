package execute

import (
	"bytes"

	"github.com/zeebo/xxh3"

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
func (r *run) represent(b []byte, l *planner.FetchLookup, a *asked) ([]byte, bool) {
	a.lookups = append(a.lookups, int32(len(a.refs)))
	a.firsts = append(a.firsts, int32(len(a.heads)))
	a.distinct.reset()
	a.ranges, a.tails = a.ranges[:0], a.tails[:0]
	b = append(append(append(b, '"'), l.Variable...), '"', ':', '[')
	w := walk{r: r, a: a, b: b}
	for i := range l.Targets {
		w.target = int32(i)
		r.indexes = r.indexes[:0]
		w.into(0, &l.Targets[i], 0)
	}
	return append(w.b, ']'), len(a.ranges) > 0
}

type walk struct {
	r      *run
	a      *asked
	b      []byte
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

// ask writes the representation of an object, or finds the one with the same bytes.
func (w *walk) ask(o int32, t *planner.FetchTarget) {
	a, mark := w.a, len(w.b)
	if len(a.ranges) > 0 {
		w.b = append(w.b, ',')
	}
	start := len(w.b)
	var ok bool
	if w.b, ok = w.r.writeRepresentation(w.b, o, t.Representation); !ok {
		w.b = w.b[:mark]
		return
	}
	text, ref := w.b[start:], int32(len(a.refs))
	n, known := a.distinct.find(xxh3.Hash(text), func(n int32) bool { return bytes.Equal(text, w.b[a.ranges[n][0]:a.ranges[n][1]]) })
	if known {
		w.b = w.b[:mark]
		a.refs[a.tails[n]].next = ref
		a.tails[n] = ref
	} else {
		a.ranges = append(a.ranges, [2]int32{int32(start), int32(len(w.b))})
		a.heads, a.tails = append(a.heads, ref), append(a.tails, ref)
	}
	a.refs = append(a.refs, reference{o, n, w.target, -1, int32(len(a.steps)), int32(len(w.r.indexes))})
	a.steps = append(a.steps, w.r.indexes...)
}

// writeRepresentation writes an object; false when it cannot be asked for.
func (r *run) writeRepresentation(b []byte, o int32, index int) ([]byte, bool) {
	rep, typ := &r.plan.Representations[index], r.objects[o].typ
	b = append(b, '{')
	first := true
	name := rep.Typename
	if rep.OwnTypename {
		if typ == planner.NoType {
			return b, false
		}
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
		v := r.slot(o, f.Slot)
		if v.kind == absent || v.kind == null && f.NonNull {
			return b, false
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.Prefix...)
		var ok bool
		if b, ok = r.writeValue(b, v, f.Representation); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

func (r *run) writeValue(b []byte, v value, rep int) ([]byte, bool) {
	var ok bool
	switch v.kind {
	case leaf:
		return append(b, r.of(v)...), true
	case object:
		if rep < 0 {
			return b, false
		}
		return r.writeRepresentation(b, v.at, rep)
	case list:
		b = append(b, '[')
		for i := v.at; i < v.end; i++ {
			if i > v.at {
				b = append(b, ',')
			}
			if b, ok = r.writeValue(b, r.slots[i], rep); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	}
	return append(b, "null"...), true
}

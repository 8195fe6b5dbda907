package execute

import (
	"bytes"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/planner"
)

// asked is what a step asked for: for each of its lookups which representation stands for which objects.
type asked struct {
	refs     []reference
	lookups  []int32 // where the references of a lookup begin
	steps    []int32 // paths of the references: ^name for a step, or an index
	distinct map[uint64]int32
	ranges   [][2]int32 // of the lookup's representations in the body
	found    []entity   // of the lookup whose answer is merged
	sizes    []int32    // representations of each lookup
}

// entity is where an answer has an entity, and the object it was merged into last.
type entity struct {
	at     int
	object int32
	output int
}

// reference is an object that waits for an entity.
type reference struct {
	object         int32
	representation int32
	target         int32
	path, pathLen  int32
}

func (a *asked) reset() {
	a.refs, a.lookups, a.steps, a.sizes = a.refs[:0], a.lookups[:0], a.steps[:0], a.sizes[:0]
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
	if a.distinct == nil {
		a.distinct = map[uint64]int32{}
	}
	clear(a.distinct)
	a.ranges = a.ranges[:0]
	b = append(append(append(b, '"'), l.Variable...), '"', ':', '[')
	w := walk{r: r, a: a, b: b}
	for i := range l.Targets {
		w.target = int32(i)
		r.indexes = r.indexes[:0]
		w.into(0, &l.Targets[i], 0)
	}
	a.sizes = append(a.sizes, int32(len(a.ranges)))
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
		for i := range v.n {
			w.r.indexes = append(w.r.indexes, i)
			w.value(w.r.slots[v.at+i], t, depth)
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
	text := w.b[start:]
	hash := xxh3.Hash(text)
	n, known := a.distinct[hash]
	for known && !bytes.Equal(text, w.b[a.ranges[n][0]:a.ranges[n][1]]) { // another one with the same hash
		hash++
		n, known = a.distinct[hash]
	}
	if known {
		w.b = w.b[:mark]
	} else {
		n = int32(len(a.ranges))
		a.distinct[hash] = n
		a.ranges = append(a.ranges, [2]int32{int32(start), int32(len(w.b))})
	}
	a.refs = append(a.refs, reference{o, n, w.target, int32(len(a.steps)), int32(len(w.r.indexes))})
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
		return append(b, v.text...), true
	case object:
		if rep < 0 {
			return b, false
		}
		return r.writeRepresentation(b, v.at, rep)
	case list:
		b = append(b, '[')
		for i := range v.n {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = r.writeValue(b, r.slots[v.at+i], rep); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	}
	return append(b, "null"...), true
}

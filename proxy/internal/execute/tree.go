package execute

import (
	"bytes"
	"slices"

	"github.com/weirproxy/weir/planner"
)

// kind of a value. The zero value is absent.
type kind uint8

const (
	absent kind = iota
	null
	leaf
	object
	list
)

// value is what is in a slot: a leaf is the range from at to end of the text of a step, an object an index of tree.objects, a list the range
// from at to end of tree.slots. It has no pointers, so that the collector passes over the slots of all requests.
type value struct {
	kind kind
	text uint16
	at   int32
	end  int32
}

type objectRecord struct {
	typ    planner.TypeID
	layout int32
	slots  int32
}

// tree holds the objects of a request; 0 is the root object.
type tree struct {
	plan    *planner.FetchPlan
	texts   [][]byte // by step: what was received, for as long as the run lasts; behind those what the cache had
	objects []objectRecord
	slots   []value
	odd     int     // values that had another form than the plan says
	pending []value // elements of lists that are being read
	reading
}

// mark is a state of the tree that rollback can return to, as long as no earlier one was returned to.
type mark struct {
	objects, slots, changes, odd int
}

// change is what was in a slot, or (with slot < 0) that object ^slot had no type.
type change struct {
	slot int32
	was  value
}

func (t *tree) reset(p *planner.FetchPlan) {
	t.plan, t.odd = p, 0
	t.objects, t.slots, t.pending, t.changes = t.objects[:0], t.slots[:0], t.pending[:0], t.changes[:0]
	t.texts = append(t.texts[:0], make([][]byte, 2*len(p.Steps))...)
	t.kept = mark{}
	t.add(0)
}

func (t *tree) drop() {
	clear(t.texts)
	t.plan, t.b = nil, nil
}

// mark makes what is in the tree recoverable.
func (t *tree) mark() mark {
	t.kept = mark{len(t.objects), len(t.slots), len(t.changes), t.odd}
	return t.kept
}

// rollback undoes all that was done since the mark.
func (t *tree) rollback(m mark) {
	for i := len(t.changes) - 1; i >= m.changes; i-- {
		if c := &t.changes[i]; c.slot < 0 {
			t.objects[^c.slot].typ = planner.NoType
		} else {
			t.slots[c.slot] = c.was
		}
	}
	t.objects, t.slots, t.changes, t.odd = t.objects[:m.objects], t.slots[:m.slots], t.changes[:m.changes], m.odd
}

// write puts a value into a slot.
func (t *tree) write(s int32, v value) {
	if int(s) < t.kept.slots {
		t.changes = append(t.changes, change{s, t.slots[s]})
	}
	t.slots[s] = v
}

// tell gives an object its type, if it has none.
func (t *tree) tell(o int32, typ planner.TypeID) {
	if rec := &t.objects[o]; rec.typ == planner.NoType && typ != planner.NoType {
		if int(o) < t.kept.objects {
			t.changes = append(t.changes, change{slot: ^o})
		}
		rec.typ = typ
	}
}

// add makes an object.
func (t *tree) add(layout int) int32 {
	l := &t.plan.Layouts[layout]
	start := len(t.slots)
	t.slots = slices.Grow(t.slots, len(l.Slots))[:start+len(l.Slots)]
	clear(t.slots[start:])
	t.objects = append(t.objects, objectRecord{l.Type, int32(layout), int32(start)})
	return int32(len(t.objects) - 1)
}

func (t *tree) slot(o int32, s int) value { return t.slots[int(t.objects[o].slots)+s] }

// of returns the text of a leaf.
func (t *tree) of(v value) []byte { return t.texts[v.text][v.at:v.end:v.end] }

// link puts into an object what an entity brought into another one of the same layout. It reports whether that is all there is to do: not
// when the object has something else there already.
func (t *tree) link(to, from int32, output int) bool {
	entries := t.plan.Outputs[output].Entries
	a, b := t.objects[from], t.objects[to]
	if a.layout != b.layout {
		return false
	}
	for i := range entries {
		s := int32(entries[i].Slot)
		if s == planner.TypenameSlot {
			continue
		}
		if was := t.slots[b.slots+s]; was.kind != absent && !t.same(was, t.slots[a.slots+s]) {
			return false
		}
	}
	for i := range entries {
		if s := int32(entries[i].Slot); s != planner.TypenameSlot {
			t.write(b.slots+s, t.slots[a.slots+s])
		}
	}
	t.tell(to, a.typ)
	return true
}

func (t *tree) same(a, b value) bool {
	return a == b || a.kind == leaf && b.kind == leaf && bytes.Equal(t.of(a), t.of(b))
}

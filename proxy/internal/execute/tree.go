package execute

import (
	"bytes"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/tape"
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

// value is what is in a slot: a leaf is its text, an object an index of tree.objects, a list a range of tree.slots.
type value struct {
	kind kind
	at   int32
	n    int32
	text []byte
}

type objectRecord struct {
	typ    planner.TypeID
	layout int32
	slots  int32
}

// tree holds the objects of a request; 0 is the root object.
type tree struct {
	layouts []planner.FetchLayout
	outputs []planner.FetchOutput
	typeOf  *planner.FetchPlan
	objects []objectRecord
	slots   []value
	odd     int // values that had another form than the plan says
}

func (t *tree) reset(p *planner.FetchPlan) {
	t.layouts, t.outputs, t.typeOf, t.odd = p.Layouts, p.Outputs, p, 0
	t.objects, t.slots = t.objects[:0], t.slots[:0]
	t.add(0)
}

func (t *tree) drop() {
	clear(t.slots)
	t.layouts, t.outputs, t.typeOf = nil, nil, nil
}

// room appends n absent values.
func (t *tree) room(n int) int32 {
	start := len(t.slots)
	for range n {
		t.slots = append(t.slots, value{})
	}
	return int32(start)
}

func (t *tree) add(layout int) int32 {
	l := &t.layouts[layout]
	t.objects = append(t.objects, objectRecord{l.Type, int32(layout), t.room(len(l.Slots))})
	return int32(len(t.objects) - 1)
}

func (t *tree) slot(o int32, s int) value { return t.slots[int(t.objects[o].slots)+s] }

// merge puts the JSON object at i of b into an object and returns its end.
func (t *tree) merge(o int32, output int, b []byte, i int) int {
	entries := t.outputs[output].Entries
	i = tape.Blank(b, i+1)
	guess := 0
	var seen uint64
	for {
		key, at, ok := tape.Member(b, i)
		if !ok {
			return i + 1
		}
		e := find(entries, key, guess)
		var end int
		if e >= 0 && (e >= 64 || seen>>e&1 == 0) {
			guess = e + 1
			if e < 64 {
				seen |= 1 << e
			}
			end = t.put(o, &entries[e], b, at)
		} else {
			end = tape.Skip(b, at)
		}
		i = tape.Next(b, end)
	}
}

// find begins with the entry that should come.
func find(entries []planner.FetchEntry, key []byte, guess int) int {
	if guess < len(entries) && entries[guess].Key == string(key) {
		return guess
	}
	for i := range entries {
		if entries[i].Key == string(key) {
			return i
		}
	}
	return -1
}

func (t *tree) put(o int32, e *planner.FetchEntry, b []byte, at int) (end int) {
	if e.Slot == planner.TypenameSlot {
		end = tape.Skip(b, at)
		if rec := &t.objects[o]; rec.typ == planner.NoType && b[at] == '"' {
			rec.typ = t.typeOf.TypeOf(b[at+1 : end-1])
		}
		return end
	}
	rec := &t.objects[o]
	layout := t.layouts[rec.layout].Slots[e.Slot].Layout
	return t.set(rec.slots+int32(e.Slot), layout, e.Output, b, at)
}

// set merges the value at i of b into the slot with that index.
func (t *tree) set(s int32, layout, output int, b []byte, i int) (end int) {
	was := t.slots[s].kind
	if b[i] == 'n' {
		if was == absent {
			t.slots[s].kind = null
		}
		return i + 4
	}
	empty := was == absent || was == null
	if layout < 0 || output < 0 {
		end = tape.Skip(b, i)
		if empty {
			t.slots[s] = value{kind: leaf, text: b[i:end:end]}
		}
		return end
	}
	switch {
	case b[i] == '{' && (empty || was == object):
		if empty {
			o := t.add(layout)
			t.slots[s] = value{kind: object, at: o}
		}
		return t.merge(t.slots[s].at, output, b, i)
	case b[i] == '[' && (empty || was == list):
		return t.setList(s, layout, output, b, i, empty)
	}
	t.odd++
	if was == absent {
		t.slots[s].kind = null
	}
	return tape.Skip(b, i)
}

func (t *tree) setList(s int32, layout, output int, b []byte, i int, fresh bool) int {
	if fresh {
		n := count(b, i)
		at := t.room(n)
		t.slots[s] = value{kind: list, at: at, n: int32(n)}
	}
	l := t.slots[s]
	i = tape.Blank(b, i+1)
	for k := int32(0); ; k++ {
		at, ok := tape.Element(b, i)
		if !ok {
			return at + 1
		}
		var end int
		if k < l.n {
			end = t.set(l.at+k, layout, output, b, at)
		} else {
			end = tape.Skip(b, at)
		}
		i = tape.Next(b, end)
	}
}

// count returns how many elements the array at i has.
func count(b []byte, i int) (n int) {
	i = tape.Blank(b, i+1)
	for {
		at, ok := tape.Element(b, i)
		if !ok {
			return n
		}
		n++
		i = tape.Next(b, tape.Skip(b, at))
	}
}

// link puts into an object what an entity brought into another one of the same layout. It reports whether that is all there is to do: not
// when the object has something there already.
func (t *tree) link(to, from int32, output int) bool {
	entries := t.outputs[output].Entries
	a, b := &t.objects[from], &t.objects[to]
	if a.layout != b.layout {
		return false
	}
	for i := range entries {
		e := &entries[i]
		if e.Slot == planner.TypenameSlot {
			continue
		}
		was, is := &t.slots[b.slots+int32(e.Slot)], &t.slots[a.slots+int32(e.Slot)]
		same := was.kind == is.kind && was.at == is.at && (was.kind != leaf || bytes.Equal(was.text, is.text))
		if was.kind != absent && !same {
			return false
		}
	}
	for i := range entries {
		if s := entries[i].Slot; s != planner.TypenameSlot {
			t.slots[b.slots+int32(s)] = t.slots[a.slots+int32(s)]
		}
	}
	if b.typ == planner.NoType {
		b.typ = a.typ
	}
	return true
}

package execute

import (
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/tape"
)

// reading is an answer that is being read. It is read once, front to back: what is found to be well formed is merged at once, and what turns
// out to be malformed later, or not to count, is rolled back. Reading functions return the end of what they read, -1 when it is malformed.
type reading struct {
	b       []byte
	text    uint16 // of leaves found
	changes []change
	kept    mark // what was there before may not be changed without a trace
}

// after returns where the next member or element behind a value that ends at i begins: -1 when it is malformed, and end is set behind the
// closing bracket when there is no other.
func (t *tree) after(i int, closing byte) (next, end int) {
	if i < 0 {
		return -1, -1
	}
	if i = tape.Blank(t.b, i); i < len(t.b) {
		switch t.b[i] {
		case closing:
			return -1, i + 1
		case ',':
			return tape.Blank(t.b, i+1), -1
		}
	}
	return -1, -1
}

// open is after for the opening bracket at i.
func (t *tree) open(i int, closing byte) (next, end int) {
	if i = tape.Blank(t.b, i+1); i < len(t.b) && t.b[i] == closing {
		return -1, i + 1
	}
	return i, -1
}

// key returns the key at i and where its value begins.
func (t *tree) key(i int) (key []byte, at int) {
	if i >= len(t.b) || t.b[i] != '"' {
		return nil, -1
	}
	end := tape.String(t.b, i)
	if end < 0 {
		return nil, -1
	}
	if at = tape.Blank(t.b, end); at >= len(t.b) || t.b[at] != ':' {
		return nil, -1
	}
	if at = tape.Blank(t.b, at+1); at >= len(t.b) {
		return nil, -1
	}
	return t.b[i+1 : end-1], at
}

// merge puts the JSON object at i into an object.
func (t *tree) merge(o int32, output, i, depth int) int {
	if depth++; depth > tape.MaxDepth {
		return -1
	}
	out := &t.plan.Outputs[output]
	layout := &t.plan.Layouts[t.objects[o].layout]
	slots := t.objects[o].slots
	guess := 0
	var seen uint64
	i, end := t.open(i, '}')
	for i >= 0 {
		e, at := t.entry(out.Entries, i, guess)
		if at < 0 {
			return -1
		}
		switch {
		case e < 0 || e < 64 && seen>>e&1 != 0:
			at = tape.Value(t.b, at, depth)
		case out.Entries[e].Slot == planner.TypenameSlot:
			at = t.typename(o, at, depth)
		default:
			entry := &out.Entries[e]
			at = t.set(slots+int32(entry.Slot), layout.Slots[entry.Slot].Layout, entry.Output, at, depth)
		}
		if e >= 0 {
			guess = e + 1
			if e < 64 {
				seen |= 1 << e
			}
		}
		i, end = t.after(at, '}')
	}
	return end
}

// entry finds the key at i, beginning with the entry that should come; -1 for another key.
func (t *tree) entry(entries []planner.FetchEntry, i, guess int) (e, at int) {
	if guess < len(entries) {
		k := entries[guess].Key
		if end := i + len(k) + 2; end < len(t.b) && t.b[i] == '"' && string(t.b[i+1:end-1]) == k && t.b[end-1] == '"' && t.b[end] == ':' {
			if at = tape.Blank(t.b, end+1); at < len(t.b) {
				return guess, at
			}
		}
	}
	key, at := t.key(i)
	if at < 0 {
		return -1, -1
	}
	return find(entries, key), at
}

func find(entries []planner.FetchEntry, key []byte) int {
	for i := range entries {
		if entries[i].Key == string(key) {
			return i
		}
	}
	return -1
}

func (t *tree) typename(o int32, i, depth int) int {
	end := tape.Value(t.b, i, depth)
	if end > 0 && t.b[i] == '"' && t.objects[o].typ == planner.NoType {
		t.tell(o, t.plan.TypeOf(t.b[i+1:end-1]))
	}
	return end
}

// set merges the value at i into a slot.
func (t *tree) set(s int32, layout, output, i, depth int) int {
	was := t.slots[s]
	if was.kind == absent || was.kind == null {
		v, end := t.fresh(layout, output, i, depth)
		if end >= 0 && (v.kind != null || was.kind == absent) {
			t.write(s, v)
		}
		return end
	}
	switch c := t.b[i]; {
	case c == 'n' || layout < 0 || output < 0:
	case c == '{' && was.kind == object:
		return t.merge(was.at, output, i, depth)
	case c == '[' && was.kind == list:
		return t.mergeList(was, layout, output, i, depth)
	default:
		t.odd++
	}
	return tape.Value(t.b, i, depth)
}

// fresh reads the value at i for a place where there is none.
func (t *tree) fresh(layout, output, i, depth int) (v value, end int) {
	switch c := t.b[i]; {
	case c == 'n':
		return value{kind: null}, tape.Value(t.b, i, depth)
	case layout < 0 || output < 0:
		end = tape.Value(t.b, i, depth)
		return value{leaf, t.text, int32(i), int32(end)}, end
	case c == '{':
		o := t.add(layout)
		return value{kind: object, at: o}, t.merge(o, output, i, depth)
	case c == '[':
		return t.freshList(layout, output, i, depth)
	}
	t.odd++
	return value{kind: null}, tape.Value(t.b, i, depth)
}

func (t *tree) freshList(layout, output, i, depth int) (v value, end int) {
	if depth++; depth > tape.MaxDepth {
		return value{}, -1
	}
	base := len(t.pending)
	i, end = t.open(i, ']')
	for i >= 0 {
		if i >= len(t.b) {
			return value{}, -1
		}
		var at int
		v, at = t.fresh(layout, output, i, depth)
		t.pending = append(t.pending, v)
		i, end = t.after(at, ']')
	}
	start := len(t.slots)
	t.slots = append(t.slots, t.pending[base:]...)
	t.pending = t.pending[:base]
	return value{kind: list, at: int32(start), end: int32(len(t.slots))}, end
}

// mergeList goes through a list that is there already, by index.
func (t *tree) mergeList(l value, layout, output, i, depth int) int {
	if depth++; depth > tape.MaxDepth {
		return -1
	}
	i, end := t.open(i, ']')
	for s := l.at; i >= 0; s++ {
		if i >= len(t.b) {
			return -1
		}
		var at int
		if s < l.end {
			at = t.set(s, layout, output, i, depth)
		} else {
			at = tape.Value(t.b, i, depth)
		}
		i, end = t.after(at, ']')
	}
	return end
}

package shape

import (
	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/taglist"
)

// Walk reads the response of a query and appends its tags. When Facts.Readable is false the tags appended are incomplete.
func (s *Shape) Walk(body []byte, tags *taglist.List) Facts {
	return s.walk(body, tags, false)
}

// WalkMutation reads the response of a mutation and appends the tags it invalidates: for an entity T with key 5 the tags
// T:5, T:? and list:T, or what the rule of the root field says; for any other object its type T, which is on every entry that holds a T. A root field that is null
// without errors (what was it?) gives its types.
func (s *Shape) WalkMutation(body []byte, tags *taglist.List) Facts {
	return s.walk(body, tags, true)
}

func (s *Shape) walk(body []byte, tags *taglist.List, mutation bool) Facts {
	start := jsonscan.Space(body, 0)
	if s.broken || jsonscan.KindAt(body, start) != jsonscan.Object {
		return Facts{}
	}
	w := walker{s: s, b: body, depth: s.depth, mutation: mutation, rule: &defaultRule, tags: sink{tags: tags, base: tags.Len()}}
	defer w.tags.close()
	f, ok := w.envelope(start)
	if !ok {
		return Facts{}
	}
	f.Readable = !w.lost && (f.HasData || f.DataNull || f.HasErrors)
	f.Negative = w.nullRoot && !f.HasErrors
	if mutation && f.Negative && s.root != nil {
		for i := range s.root.fields {
			if c := s.root.fields[i].child; c != nil {
				w.invalidateTypes(c.below)
			}
			if r := s.root.fields[i].rule; r != nil {
				w.obey(r)
			}
		}
	}
	f.Unnamed = w.unnamed
	return f
}

// walker is one walk over one body. It validates as it goes; a false result means "not JSON, or not of this shape".
type walker struct {
	s        *Shape
	b        []byte
	depth    int
	mutation bool
	nullRoot bool
	rule     *Rule // of the root field that is walked
	unnamed  bool
	lost     bool // something has no tag it could be found by: the response counts as not readable
	// lastAbsent is the node absent saw last: lists of nulls come in runs.
	lastAbsent *node
	// done has a bit for each node of many types that has no tag left to add, outside of lists and in them.
	done [2][maxWide / 64]uint64
	tags sink
}

// envelope reads the response object at b[i].
func (w *walker) envelope(i int) (f Facts, ok bool) {
	data, errors, incremental := false, false, false
	o := opened(w.b, i)
	for o.next() {
		switch {
		case jsonscan.EqualKey(o.key, o.escaped, "data"):
			if data {
				return f, false
			}
			data = true
			switch jsonscan.KindAt(w.b, o.at) {
			case jsonscan.Null:
				f.DataNull = true
				ok = o.skip(w.depth)
			case jsonscan.Object:
				f.HasData = true
				o.at, ok = w.root(o.at)
			default:
				return f, false
			}
			if !ok {
				return f, false
			}
			continue
		case jsonscan.EqualKey(o.key, o.escaped, "errors"):
			if errors {
				return f, false
			}
			errors = true
			f.HasErrors = !empty(w.b, o.at)
		case jsonscan.EqualKey(o.key, o.escaped, "extensions"):
			if f.extensions != 0 { // whose tags would count?
				return f, false
			}
			f.extensions = o.at
		case jsonscan.EqualKey(o.key, o.escaped, "hasNext"), jsonscan.EqualKey(o.key, o.escaped, "incremental"):
			incremental = true
		}
		if !o.skip(w.depth) {
			return f, false
		}
	}
	return f, o.ok && !incremental && jsonscan.Space(w.b, o.at) == len(w.b)
}

// empty tells whether the value at b[i] is null or an empty array.
func empty(b []byte, i int) bool {
	switch jsonscan.KindAt(b, i) {
	case jsonscan.Null:
		return true
	case jsonscan.Array:
		i = jsonscan.Space(b, i+1)
		return i < len(b) && b[i] == ']'
	}
	return false
}

// root walks the data object.
func (w *walker) root(i int) (int, bool) {
	if w.s.root != nil {
		return w.object(w.s.root, i, w.depth-1, false, true)
	}
	o := opened(w.b, i)
	for o.next() {
		w.nullRoot = w.nullRoot || jsonscan.KindAt(w.b, o.at) == jsonscan.Null
		if !o.skip(w.depth - 2) {
			return o.at, false
		}
	}
	return o.at, o.ok
}

// value walks a composite value: an object, a null, or lists of such.
func (w *walker) value(n *node, i, depth int, inList, top bool) (int, bool) {
	switch jsonscan.KindAt(w.b, i) {
	case jsonscan.Object:
		return w.object(n, i, depth, inList, false)
	case jsonscan.Array:
		return w.array(n, i, depth)
	case jsonscan.Null:
		w.nullRoot = w.nullRoot || top
		w.absent(n)
		end, st := jsonscan.Skip(w.b, i, 0)
		return end, st == jsonscan.OK
	}
	return i, false
}

func (w *walker) array(n *node, i, depth int) (int, bool) {
	if depth <= 0 {
		return i, false
	}
	i = jsonscan.Space(w.b, i+1)
	if i < len(w.b) && w.b[i] == ']' {
		w.absent(n)
		return i + 1, true
	}
	for {
		var ok bool
		if i, ok = w.value(n, i, depth-1, true, false); !ok {
			return i, false
		}
		if i = jsonscan.Space(w.b, i); i >= len(w.b) {
			return i, false
		}
		switch w.b[i] {
		case ',':
			i = jsonscan.Space(w.b, i+1)
		case ']':
			return i + 1, true
		default:
			return i, false
		}
	}
}

// found is what an object tells about its identity.
type found struct {
	typename text
	keys     [maxKeys]text
}

// text is a scalar's place in the body; end 0: not met.
type text struct {
	start, end int
	bad        bool // no usable text: an odd kind of value, or given twice
	escaped    bool
}

// object walks the object at b[i].
func (w *walker) object(n *node, i, depth int, inList, root bool) (int, bool) {
	if depth <= 0 {
		return i, false
	}
	var id found
	next := 0
	o := opened(w.b, i)
	for o.next() {
		f := n.find(&o, &next)
		if root && w.mutation {
			w.govern(f, o.at)
		}
		switch {
		case f == nil:
		case f.child != nil:
			var ok bool
			if o.at, ok = w.value(f.child, o.at, depth-1, n.keyless && inList, root); !ok {
				return o.at, false
			}
			continue
		case f.typename:
			if !id.typename.same(w.b, o.at) {
				id.typename.set(w.b, o.at)
			}
		case f.slot > 0:
			id.keys[f.slot-1].set(w.b, o.at)
		}
		if root && f != nil && jsonscan.KindAt(w.b, o.at) == jsonscan.Null {
			w.nullRoot = true
		}
		if !o.skip(depth - 1) {
			return o.at, false
		}
	}
	if !o.ok {
		return o.at, false
	}
	w.identify(n, &id, inList)
	return o.at, true
}

// same reports whether the value at b[i] repeats a string, under another name.
func (t *text) same(b []byte, i int) bool {
	n := t.end - t.start
	return t.end != 0 && !t.bad && i+1+n < len(b) && b[i] == '"' && string(b[i+1:i+1+n]) == string(b[t.start:t.end]) && b[i+1+n] == '"'
}

func (t *text) set(b []byte, i int) {
	t.bad = t.end != 0
	t.start = i
	switch jsonscan.KindAt(b, i) {
	case jsonscan.String:
		end, escaped, ok := jsonscan.SkipString(b, i)
		t.start, t.end, t.escaped = i+1, max(end-1, i+1), escaped
		t.bad = t.bad || !ok
	case jsonscan.Number:
		end, ok := jsonscan.SkipNumber(b, i)
		t.end = end
		t.bad = t.bad || !ok
		for _, c := range b[i:end] {
			t.bad = t.bad || (c-'0' > 9 && c != '-')
		}
	default:
		t.end, t.bad = i+1, true
	}
}

// find returns what the shape knows of the member at hand, nil when nothing. Responses follow the order of selections, so
// the field behind the last one is tried first.
func (n *node) find(o *members, next *int) *fieldShape {
	if i := *next; i < len(n.fields) && !o.escaped && string(o.key) == n.fields[i].key {
		*next = i + 1
		return &n.fields[i]
	}
	i, ok := n.index[string(o.key)]
	if o.escaped {
		ok = false
		for i = range n.fields {
			if ok = jsonscan.EqualKey(o.key, true, n.fields[i].key); ok {
				break
			}
		}
	}
	if !ok {
		return nil
	}
	*next = i + 1
	return &n.fields[i]
}

package shape

import (
	"slices"
	"sync"

	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/taglist"
)

const (
	// maxTracked is how many types have a bit for "tag added", and so how many a shape may name. The largest public
	// schemas have some 2,000 object types.
	maxTracked = 8192
	// maxTag bounds a tag with an entity's key, in bytes; a longer key counts as not known, on both sides.
	maxTag = 256
	recent = 512
	// fewTags is up to how many tags of an answer are looked through for one that is there already.
	fewTags = 8
)

// sink adds tags and leaves out repetitions: a type's tags by a bit for each, entity tags by a look at the first few and by a small
// table of those met last. A repetition that slips through costs room, nothing else.
type sink struct {
	tags     *taglist.List
	base     int
	entities int
	have     [3]uint64 // the first 64 types
	large    *tracker  // nil until there are more types or tags than that
}

// tracker is the account of a large answer. It is lent: most answers are small, and it is not.
type tracker struct {
	have  [3][maxTracked / 64]uint64
	table [recent]uint16 // index of a tag past base, plus 1
}

var trackers = sync.Pool{New: func() any { return new(tracker) }}

func (s *sink) tracker() *tracker {
	if s.large == nil {
		s.large = trackers.Get().(*tracker)
	}
	return s.large
}

// close gives back what was lent.
func (s *sink) close() {
	if s.large != nil {
		*s.large = tracker{}
		trackers.Put(s.large)
		s.large = nil
	}
}

const (
	haveType = iota
	haveUnknown
	haveList
)

// static adds a tag of type t unless it was added, and tells whether it did.
func (s *sink) static(which, t int, tag string) bool {
	word, bit := &s.have[which], uint64(1)<<(t%64)
	if t >= 64 {
		word = &s.tracker().have[which][t/64]
	}
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.tags.AppendString(tag)
	return true
}

// add appends a tag unless it is among the recent ones, and tells whether it did.
func (s *sink) add(tag []byte) bool {
	if n := s.tags.Len(); n < s.base+fewTags {
		for i := s.base; i < n; i++ {
			if string(s.tags.At(i)) == string(tag) {
				return false
			}
		}
		s.tags.Append(tag)
		return true
	}
	slot := &s.tracker().table[hash(tag)%recent]
	if *slot != 0 && string(s.tags.At(s.base+int(*slot)-1)) == string(tag) {
		return false
	}
	if n := s.tags.Len() - s.base + 1; n < 1<<16 {
		*slot = uint16(n)
	}
	s.tags.Append(tag)
	return true
}

// hash is FNV-1a: short texts, and nothing worse than repeated tags comes from a collision.
func hash(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h ^ h>>15
}

// absent adds what a create must find where there is a null or an empty list now.
func (w *walker) absent(n *node) {
	if w.mutation || w.lastAbsent == n {
		return
	}
	w.lastAbsent = n
	for _, t := range n.below {
		if info := &w.s.types[t]; !info.root {
			w.tags.static(haveType, t, info.name)
			w.tags.static(haveList, t, info.list)
		}
	}
}

// identify adds the tags of an object whose members are known now.
func (w *walker) identify(n *node, id *found, inList bool) {
	if id.typename.end != 0 && !id.typename.bad && !id.typename.escaped {
		name := w.b[id.typename.start:id.typename.end]
		if t, known := w.s.byName[string(name)]; known && contains(n.types, t) {
			w.entity(n, t, id, inList)
			return
		}
		w.stranger(name, inList)
	}
	if n.wide > 0 && w.wide(n, id, inList) {
		return
	}
	for _, t := range n.types {
		w.entity(n, t, id, inList)
	}
}

// wide tells that an object of which only many types are known adds nothing that an earlier one did not, and remembers
// when it adds all there is.
func (w *walker) wide(n *node, id *found, inList bool) bool {
	if w.tags.entities < MaxEntities {
		for i := range n.keys {
			if id.keys[i].end != 0 {
				return false
			}
		}
	}
	done := &w.done[0]
	if inList {
		done = &w.done[1]
	}
	word, bit := (n.wide-1)/64, uint64(1)<<((n.wide-1)%64)
	if done[word]&bit != 0 {
		return true
	}
	done[word] |= bit
	return false
}

// stranger adds tags for a type the schema does not know, as widely as they go.
func (w *walker) stranger(name []byte, inList bool) {
	if len(name) == 0 || len(name) > maxTag-8 {
		w.lost = true
		return
	}
	if w.tags.entities >= MaxEntities {
		w.lost = true
		return
	}
	var buf [maxTag]byte
	if w.tags.add(append(buf[:0], name...)) {
		w.tags.entities++
	}
	if w.mutation {
		return
	}
	w.tags.add(append(append(buf[:0], name...), ":?"...))
	if inList {
		w.tags.add(append(append(buf[:0], "list:"...), name...))
	}
}

func (w *walker) entity(n *node, t int, id *found, inList bool) {
	info := &w.s.types[t]
	if info.root {
		return
	}
	if w.mutation {
		w.changed(n, t, id)
		return
	}
	if w.tags.static(haveType, t, info.name) {
		for _, texts := range info.templates {
			if len(texts) == 1 && len(texts[0]) > 0 && len(texts[0]) <= maxTag {
				w.tags.tags.AppendString(texts[0])
			}
		}
	}
	if inList {
		w.tags.static(haveList, t, info.list)
	}
	if !w.keyed(n, t, id) {
		w.tags.static(haveUnknown, t, info.unknown)
		w.lost = w.lost || info.byKey
	}
}

// keyed adds the tag of the entity with its key and tells whether there was one to add.
func (w *walker) keyed(n *node, t int, id *found) bool {
	if n.keys == 0 || w.tags.entities >= MaxEntities {
		return false
	}
	for _, i := range n.keyFields {
		f := &n.fields[i]
		if !contains(f.keyOf, t) {
			continue
		}
		k := &id.keys[f.slot-1]
		if k.end == 0 {
			continue
		}
		if k.bad {
			return false
		}
		prefix, raw := w.s.types[t].prefix, w.b[k.start:k.end]
		if len(prefix)+len(raw) > maxTag || len(raw) == 0 {
			return false
		}
		var buf [maxTag]byte
		tag := append(buf[:0], prefix...)
		if k.escaped {
			tag = jsonscan.AppendUnescaped(tag, raw)
		} else {
			tag = append(tag, raw...)
		}
		if string(tag[len(prefix):]) == "?" {
			return false
		}
		if w.tags.add(tag) {
			w.tags.entities++
			if !w.mutation {
				w.templates(&w.s.types[t], tag[len(prefix):])
			}
		}
		return true
	}
	return false
}

// templates adds the tags of @cacheTag that hold the key, for an entity whose key is known. Mutations need none of them: T:5 is on the same
// entries.
func (w *walker) templates(info *typeInfo, key []byte) {
	w.lost = w.lost || info.unusable != ""
	for _, texts := range info.templates {
		if len(texts) == 1 {
			continue // the tag of all, added with the type
		}
		size := (len(texts) - 1) * len(key)
		for _, text := range texts {
			size += len(text)
		}
		if size > maxTag {
			w.lost = true
			return
		}
		var buf [maxTag]byte
		tag := append(buf[:0], texts[0]...)
		for _, text := range texts[1:] {
			tag = append(append(tag, key...), text...)
		}
		w.tags.add(tag)
	}
}

// contains looks for x in a sorted list; most have one element.
func contains(list []int, x int) bool {
	if len(list) <= 8 {
		return slices.Contains(list, x)
	}
	_, found := slices.BinarySearch(list, x)
	return found
}

func (w *walker) invalidateTypes(types []int) {
	for _, t := range types {
		if info := &w.s.types[t]; !info.root {
			w.tags.static(haveType, t, info.name)
		}
	}
}

// AppendTypes appends the tag of every object type the response could hold (of every type there is, when the operation
// was too large to compile). It is the answer to a mutation whose response could not be read: what it changed is unknown,
// so all that it could have changed has to go.
func (s *Shape) AppendTypes(tags *taglist.List) {
	for i := range s.types {
		if info := &s.types[i]; !info.root {
			tags.AppendString(info.name)
		}
	}
}

// AppendMissingTypes appends those of the same tags that the list does not hold yet. The list is expected to be short: it is gone through
// for each type.
func (s *Shape) AppendMissingTypes(tags *taglist.List) {
	for i := range s.types {
		if info := &s.types[i]; !info.root && !Holds(tags, info.name) {
			tags.AppendString(info.name)
		}
	}
}

// Holds tells whether a list holds a tag.
func Holds[T ~string | ~[]byte](tags *taglist.List, tag T) bool {
	for i := range tags.Len() {
		if string(tags.At(i)) == string(tag) {
			return true
		}
	}
	return false
}

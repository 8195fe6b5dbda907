package coerce

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// Values holds the outcome of Run and its scratch. The zero value is ready; reuse it to spare allocations.
type Values struct {
	// Canonical is the coerced variables in canonical form: an object of the declared variables that have a value, in
	// the order of their definitions. It is empty after Reset and after a failed Run.
	Canonical []byte

	slots   []int    // stack: offset of the value given for each field, -1 when absent
	members []member // stack: members of opaque objects, for sorting
	path    []step   // where the coercion stands, for messages
	text    []byte   // unescaped names
	errs    []fault  // problems found, turned into errors at the end
	raw     []byte   // the JSON being read
	limit   int      // bytes the canonical form may have
	fields  int      // fields of input objects looked for so far
	large   bool     // one of the two is exceeded
}

type member struct {
	key   []byte
	value int
}

type step struct {
	name  string
	index int
}

// Reset forgets the values and keeps the buffers.
func (v *Values) Reset() {
	if cap(v.Canonical) > maxKeptCanonical {
		v.Canonical = nil
	}
	v.Canonical = v.Canonical[:0]
	v.scratch()
}

// CopyFrom makes v hold the same values as other, in memory of its own.
func (v *Values) CopyFrom(other *Values) {
	v.Reset()
	v.Canonical = append(v.Canonical, other.Canonical...)
}

func (v *Values) scratch() {
	if cap(v.members) > maxKeptMembers {
		v.members = nil
	}
	if cap(v.text) > maxKeptText {
		v.text = nil
	}
	if cap(v.slots) > maxKeptSlots {
		v.slots = nil
	}
	clear(v.errs)
	v.slots, v.members, v.path, v.text, v.errs, v.raw = v.slots[:0], v.members[:0], v.path[:0], v.text[:0], v.errs[:0], nil
	v.limit, v.fields, v.large = 0, 0, false
}

// Scratch beyond these sizes is not kept for the next run.
const (
	maxKeptMembers = 4096
	maxKeptText    = 64 << 10
	maxKeptSlots   = 64 << 10
	// maxKeptCanonical is in bytes.
	maxKeptCanonical = 1 << 20
)

// Find returns the value of a variable, or of what lies in it under a path of input object fields. A value that is absent
// gives the zero Value. A list on the way ends the search: its elements have no names.
func (v *Values) Find(variable string, path []string) Value {
	at := Value{v.Canonical}.Member(variable)
	for _, name := range path {
		at = at.Member(name)
	}
	return at
}

// Value is one coerced value, a window into Values.Canonical. The zero Value stands for absent.
type Value struct{ b []byte }

// Present tells that there is a value; null is one.
func (x Value) Present() bool { return len(x.b) > 0 }

// Null tells that the value is null.
func (x Value) Null() bool { return len(x.b) > 0 && x.b[0] == tagNull }

// Bytes returns the canonical form of the value.
func (x Value) Bytes() []byte { return x.b[:sizeOf(x.b)] }

// Int returns the value of an Int, and of an ID or opaque value that spells a whole number of at most 32 bits.
func (x Value) Int() (int64, bool) {
	if len(x.b) < 5 {
		return 0, false
	}
	switch x.b[0] {
	case tagInt:
		return int64(int32(binary.BigEndian.Uint32(x.b[1:]))), true
	case tagID, tagJSON:
		n, _, ok := smallInt(x.b[5:sizeOf(x.b)])
		return n, ok
	}
	return 0, false
}

// Float returns the value of a Float or Int.
func (x Value) Float() (float64, bool) {
	if len(x.b) >= 9 && x.b[0] == tagFloat {
		return math.Float64frombits(binary.BigEndian.Uint64(x.b[1:])), true
	}
	if len(x.b) >= 5 && x.b[0] == tagInt {
		n, _ := x.Int()
		return float64(n), true
	}
	return 0, false
}

// Bool returns the value of a Boolean, or of an opaque value that is true or false.
func (x Value) Bool() (value, ok bool) {
	switch {
	case len(x.b) >= 2 && x.b[0] == tagBoolean:
		return x.b[1] == 1, true
	case len(x.b) >= 9 && x.b[0] == tagJSON:
		s := x.b[5:sizeOf(x.b)]
		return string(s) == "true", string(s) == "true" || string(s) == "false"
	}
	return false, false
}

// Text returns the text of a String, ID or enum value, or the canonical JSON of an opaque one.
func (x Value) Text() ([]byte, bool) {
	if len(x.b) < 5 {
		return nil, false
	}
	switch x.b[0] {
	case tagString, tagID, tagEnum, tagJSON:
		return x.b[5:sizeOf(x.b)], true
	}
	return nil, false
}

// Len returns how many elements a list or members an input object has.
func (x Value) Len() (int, bool) {
	if len(x.b) >= 9 && (x.b[0] == tagList || x.b[0] == tagObject) {
		return int(binary.BigEndian.Uint32(x.b[5:])), true
	}
	return 0, false
}

// List tells that the value is a list.
func (x Value) List() bool { return len(x.b) > 0 && x.b[0] == tagList }

// Object tells that the value is an input object.
func (x Value) Object() bool { return len(x.b) > 0 && x.b[0] == tagObject }

// Member returns a field of an input object; zero when there is none.
func (x Value) Member(name string) Value {
	if len(x.b) < 9 || x.b[0] != tagObject {
		return Value{}
	}
	b := x.b[9:sizeOf(x.b)]
	for len(b) >= 4 {
		n := int(binary.BigEndian.Uint32(b))
		key := b[4 : 4+n]
		b = b[4+n:]
		size := sizeOf(b)
		if string(key) == name {
			return Value{b[:size]}
		}
		b = b[size:]
	}
	return Value{}
}

// First returns the first element of a list and Next, given an element, the one behind it within the same list.
func (x Value) First() (element, rest Value) {
	if len(x.b) < 9 || x.b[0] != tagList {
		return Value{}, Value{}
	}
	return Value{x.b[9:sizeOf(x.b)]}.Next()
}

// Next splits what First or Next returned as rest into its first element and what follows.
func (x Value) Next() (element, rest Value) {
	n := sizeOf(x.b)
	return Value{x.b[:n]}, Value{x.b[n:]}
}

// AppendJSON appends the value as JSON and does not allocate once dst is large enough. The value must be there. What comes out is what
// the operation sees: defaults filled in, an ID as a string, an enum's value as a string.
func (x Value) AppendJSON(dst []byte) []byte {
	switch x.b[0] {
	case tagNull:
		return append(dst, "null"...)
	case tagInt:
		n, _ := x.Int()
		return strconv.AppendInt(dst, n, 10)
	case tagFloat:
		f, _ := x.Float()
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	case tagBoolean:
		return strconv.AppendBool(dst, x.b[1] == 1)
	case tagJSON:
		return append(dst, x.b[5:sizeOf(x.b)]...)
	case tagList:
		return x.appendList(dst)
	case tagObject:
		return x.appendObject(dst)
	}
	return jsonscan.AppendQuoted(dst, x.b[5:sizeOf(x.b)])
}

func (x Value) appendList(dst []byte) []byte {
	dst = append(dst, '[')
	mark := len(dst)
	for b := x.b[9:sizeOf(x.b)]; len(b) > 0; {
		if len(dst) > mark {
			dst = append(dst, ',')
		}
		size := sizeOf(b)
		dst = Value{b[:size]}.AppendJSON(dst)
		b = b[size:]
	}
	return append(dst, ']')
}

func (x Value) appendObject(dst []byte) []byte {
	dst = append(dst, '{')
	mark := len(dst)
	for b := x.b[9:sizeOf(x.b)]; len(b) > 0; {
		if len(dst) > mark {
			dst = append(dst, ',')
		}
		n := int(binary.BigEndian.Uint32(b))
		dst = jsonscan.AppendQuoted(dst, b[4:4+n])
		b = b[4+n:]
		size := sizeOf(b)
		dst = Value{b[:size]}.AppendJSON(append(dst, ':'))
		b = b[size:]
	}
	return append(dst, '}')
}

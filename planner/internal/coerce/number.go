package coerce

import (
	"encoding/binary"
	"strconv"

	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// Number returns the value of an Int or Float, and of an ID or opaque value that spells a number. It may be beyond the
// range of an Int.
func (x Value) Number() (float64, bool) {
	if f, ok := x.Float(); ok {
		return f, true
	}
	if len(x.b) < 6 || x.b[0] != tagID && x.b[0] != tagJSON {
		return 0, false
	}
	text := x.b[5:sizeOf(x.b)]
	if end, ok := jsonscan.SkipNumber(text, 0); !ok || end != len(text) {
		return 0, false // strconv takes more than JSON does, such as inf and 1_0
	}
	f, err := strconv.ParseFloat(view(text), 64)
	return f, err == nil
}

// Members is the rest of the members of an input object.
type Members struct{ b []byte }

// Members starts a walk over the members of an input object, in the order of its type's fields; there are none for other
// values.
func (x Value) Members() Members {
	if len(x.b) < 9 || x.b[0] != tagObject {
		return Members{}
	}
	return Members{x.b[9:sizeOf(x.b)]}
}

// Members starts a walk over the variables that have a value, in the order of their definitions.
func (v *Values) Members() Members { return Value{v.Canonical}.Members() }

// Next takes the first member off; ok is false when there is none.
func (m *Members) Next() (name []byte, value Value, ok bool) {
	if len(m.b) < 4 {
		return nil, Value{}, false
	}
	n := 4 + int(binary.BigEndian.Uint32(m.b))
	if n > len(m.b) {
		return nil, Value{}, false
	}
	name = m.b[4:n]
	size := sizeOf(m.b[n:])
	value = Value{m.b[n : n+size]}
	m.b = m.b[n+size:]
	return name, value, size > 0
}

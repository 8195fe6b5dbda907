package fetch

import "encoding/json"

// Projection says how an object is written for the client: as a JSON object of Fields, in this order, each only if the
// object's type is in its Types. The fields are in the order the specification asks for, whatever the type; no two fields for
// one type have the same key.
//
// An object whose type is not in Types is null, and an error: the client may not see it, or a subgraph told a type that
// cannot be here. Nil, and so no check, when nothing the client asked for depends on the type.
//
// Null propagates: a null (or absent) value at a position that is NonNull makes the next position outside of it null, up to
// the whole of data. One error is reported for the innermost null, at its path, unless a subgraph's error at this path or
// below is there already.
type Projection struct {
	Types  TypeSet           `json:"types,omitempty"`
	Fields []ProjectionField `json:"fields"`
	// Divided: not all of it, at any depth, is in every part.
	Divided bool `json:"divided,omitempty"`
	// Starts are the parts that begin at the object, and Below those that have something at it or deeper: a field delivered with them, or the
	// start of a part behind them.
	Starts []int `json:"starts,omitempty"`
	Below  Parts `json:"below,omitempty"`
}

// ProjectionField is one member of an object of the client's answer.
type ProjectionField struct {
	Key string `json:"key"`
	// Prefix is `"key":`.
	Prefix []byte  `json:"-"`
	Slot   int     `json:"slot"` // -1 for LeafTypename, LeafConstant and LeafDenied
	Types  TypeSet `json:"types,omitempty"`
	Wrap   Wrap    `json:"wrap"`
	Leaf   Leaf    `json:"leaf"`
	// Enum is the enum's values, for LeafEnum.
	Enum *Enum `json:"enum,omitempty"`
	// Constant is what is written, for LeafConstant.
	Constant json.RawMessage `json:"constant,omitempty"`
	// Projection of the object(s), for LeafObject; -1 otherwise.
	Projection int `json:"projection"`
	// Type is the name of the field's innermost type and Parent that of the type it was selected on, for messages.
	Type   string `json:"type"`
	Parent string `json:"parent"`
	// In are the parts of the plan that have the field, For those it is new in: the first one alone where that has it, and of others none that
	// comes behind another one of them. Below is the one of Projection. All are empty when nothing is deferred.
	In    Parts `json:"in,omitempty"`
	For   Parts `json:"for,omitempty"`
	Below Parts `json:"below,omitempty"`
}

// Wrap is the list and non-null structure of a field's type. Level 0 is the field itself, level n the elements of the n-th list.
type Wrap struct {
	Lists   uint8  `json:"lists"`   // how many lists lie around the innermost type
	NonNull uint32 `json:"nonNull"` // bit n: level n must not be null
}

// Required tells whether a level must not be null.
func (w Wrap) Required(level int) bool { return w.NonNull>>level&1 != 0 }

// Leaf says what is at the innermost level of a field.
type Leaf uint8

// The leaves. Values of scalars are written as the subgraph sent them. Where the JSON has another form than the scalar's
// (a list or an object for one of the five that the specification defines, a string for Int, Float or Boolean) the value is null, and
// an error; a number for String or ID, and a number with a fraction or exponent for Int, is let pass.
const (
	LeafObject   Leaf = iota
	LeafScalar        // a custom scalar: any JSON
	LeafInt           // number
	LeafFloat         // number
	LeafString        // string
	LeafBoolean       // true or false
	LeafID            // string or number
	LeafEnum          // a string of Enum's values; any other is null, and an error
	LeafTypename      // the name of the object's type, as a JSON string
	LeafConstant      // Constant, verbatim: introspection, or a value known from the schema
	LeafDenied        // null: the caller may not have the field; Plan.Denied tells of it, and no other error does
)

// String returns a name for people.
func (l Leaf) String() string {
	return [...]string{"object", "scalar", "Int", "Float", "String", "Boolean", "ID", "enum", "typename", "constant", "denied"}[l]
}

// MarshalText writes the leaf as String does.
func (l Leaf) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Enum is the set of an enum's values that a client may see.
type Enum struct {
	Name   string   `json:"name"`
	Values []string `json:"values"` // sorted
	index  map[string]struct{}
}

// NewEnum makes the set; it keeps values, which must be sorted.
func NewEnum(name string, values []string) *Enum {
	e := &Enum{Name: name, Values: values, index: make(map[string]struct{}, len(values))}
	for _, v := range values {
		e.index[v] = struct{}{}
	}
	return e
}

// Has tells whether a value may be seen. It does not allocate.
func (e *Enum) Has(value []byte) bool {
	_, ok := e.index[string(value)]
	return ok
}

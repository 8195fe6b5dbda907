package fetch

// TypeID is an index of Plan.Types.
type TypeID int32

// NoType stands for a type that is not known.
const NoType TypeID = -1

// Type is a concrete object type that objects of the plan may have.
type Type struct {
	Name string `json:"name"`
	// Inaccessible: the client must not learn of it.
	Inaccessible bool `json:"inaccessible,omitempty"`
	// Key is the field whose value names the object in a tag, as Type:value; empty: none does.
	Key string `json:"key,omitempty"`
}

// TypeSet is a set of types, a bit for each TypeID. Nil is the set of all types, and of the unknown one.
type TypeSet []uint64

// Has tells whether a type is in the set.
func (s TypeSet) Has(t TypeID) bool {
	if s == nil {
		return true
	}
	return t >= 0 && int(t>>6) < len(s) && s[t>>6]&(1<<(t&63)) != 0
}

// Add puts a type into a set that is not shared yet, and returns the set.
func (s TypeSet) Add(t TypeID) TypeSet {
	for int(t>>6) >= len(s) {
		s = append(s, 0)
	}
	s[t>>6] |= 1 << (t & 63)
	return s
}

// Each calls f for each type of a set that is not nil, in ascending order.
func (s TypeSet) Each(f func(TypeID)) {
	for i := range TypeID(len(s) * 64) {
		if s.Has(i) {
			f(i)
		}
	}
}

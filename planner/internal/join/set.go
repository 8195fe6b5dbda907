package join

import "math/bits"

// Set is a set of object types, a bit for each Type.Object. A set that is part of the model, or was handed on, is not written to.
type Set []uint64

// Has tells whether an object type is in the set.
func (s Set) Has(object int) bool {
	return object>>6 < len(s) && s[object>>6]&(1<<(object&63)) != 0
}

// With puts an object type into a set of one's own and returns it.
func (s Set) With(object int) Set {
	for object>>6 >= len(s) {
		s = append(s, 0)
	}
	s[object>>6] |= 1 << (object & 63)
	return s
}

// Empty tells that nothing is in the set.
func (s Set) Empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// Len counts.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Within tells that all of s is in t.
func (s Set) Within(t Set) bool {
	for i, w := range s {
		if i < len(t) {
			w &^= t[i]
		}
		if w != 0 {
			return false
		}
	}
	return true
}

// Equal tells that both hold the same.
func (s Set) Equal(t Set) bool {
	if len(s) > 0 && len(s) == len(t) && &s[0] == &t[0] {
		return true
	}
	return s.Within(t) && t.Within(s)
}

// Meets tells that something is in both.
func (s Set) Meets(t Set) bool {
	for i := range min(len(s), len(t)) {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// And returns what is in both; it may be one of the two.
func (s Set) And(t Set) Set {
	if s.Within(t) {
		return s
	}
	if t.Within(s) {
		return t
	}
	out := make(Set, min(len(s), len(t)))
	for i := range out {
		out[i] = s[i] & t[i]
	}
	return out
}

// Or returns what is in either; it may be one of the two.
func (s Set) Or(t Set) Set {
	if s.Within(t) {
		return t
	}
	if t.Within(s) {
		return s
	}
	if len(s) < len(t) {
		s, t = t, s
	}
	out := append(Set(nil), s...)
	for i, w := range t {
		out[i] |= w
	}
	return out
}

// Minus returns what is in s and not in t; it may be s.
func (s Set) Minus(t Set) Set {
	if !s.Meets(t) {
		return s
	}
	out := append(Set(nil), s...)
	for i := range min(len(s), len(t)) {
		out[i] &^= t[i]
	}
	return out
}

// All yields the object types in ascending order.
func (s Set) All(yield func(int) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !yield(i<<6 | bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}

// First returns the least object type, -1 of the empty set.
func (s Set) First() int {
	for o := range s.All {
		return o
	}
	return -1
}

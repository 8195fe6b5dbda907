package shape

import (
	"slices"
	"strings"
)

// Untagged tells why entities in the operation's responses could not all be found by a tag that the schema gives them (@cacheTag
// on their type), and the response path of the first such place; "" when they can. Such a response must not be stored, and Walk calls it
// not readable.
func (s *Shape) Untagged() (reason, path string) {
	if s.root == nil || !slices.ContainsFunc(s.types, func(t typeInfo) bool { return t.byKey }) {
		return "", ""
	}
	u := untagged{s: s, seen: map[*node]struct{}{}}
	u.node(s.root)
	return u.reason, strings.Join(u.path, ".")
}

type untagged struct {
	s      *Shape
	seen   map[*node]struct{}
	path   []string
	reason string
}

// node leaves path where it found a reason.
func (u *untagged) node(n *node) {
	if _, again := u.seen[n]; again {
		return
	}
	u.seen[n] = struct{}{}
	for _, t := range n.types {
		switch info := &u.s.types[t]; {
		case info.unusable != "":
			u.reason = "the tag " + info.unusable + " of type " + info.name + " asks for more than the key that a response tells"
			return
		case info.byKey && !n.holdsKey(t):
			u.reason = "type " + info.name + " has a tag with its key, and the key is not selected"
			return
		}
	}
	for i := range n.fields {
		if child := n.fields[i].child; child != nil {
			u.path = append(u.path, n.fields[i].key)
			if u.node(child); u.reason != "" {
				return
			}
			u.path = u.path[:len(u.path)-1]
		}
	}
}

// holdsKey tells whether the key of type t is among the node's fields.
func (n *node) holdsKey(t int) bool {
	for _, i := range n.keyFields {
		if contains(n.fields[i].keyOf, t) {
			return true
		}
	}
	return false
}

package shape

import "github.com/weirproxy/weir/planner/internal/jsonscan"

// MutationPolicy says how much a mutation invalidates of what its answer names.
type MutationPolicy uint8

// Policies. An entity whose key is not known is invalidated with all of its type by each of them.
const (
	MutationList   MutationPolicy = iota // the entity, and lists of its type: an update may change who belongs in them
	MutationEntity                       // the entity
	MutationType                         // everything of its type
)

// Rule is what the result of one mutation means.
type Rule struct {
	Policy MutationPolicy
	// Types are changed beside those that the result holds.
	Types []string
	// Unnamed: nothing that the result can hold is on any query's entry.
	Unnamed bool
}

// Govern sets the rules of a mutation's root fields, by response name. It is part of making the shape.
func (s *Shape) Govern(rules map[string]*Rule) {
	if s.root == nil {
		return
	}
	for i := range s.root.fields {
		s.root.fields[i].rule = rules[s.root.fields[i].key]
	}
}

var defaultRule Rule

// govern turns to a root field of a mutation, whose value begins at b[i].
func (w *walker) govern(f *fieldShape, i int) {
	w.rule = &defaultRule
	if f == nil || f.rule == nil {
		return
	}
	w.rule = f.rule
	if jsonscan.KindAt(w.b, i) != jsonscan.Null {
		w.obey(f.rule)
	}
}

// obey adds what a rule adds to the result.
func (w *walker) obey(r *Rule) {
	for _, t := range r.Types {
		w.tags.tags.AppendString(t)
	}
	w.unnamed = w.unnamed || r.Unnamed
}

// changed adds the tags that a mutation invalidates of one object.
func (w *walker) changed(n *node, t int, id *found) {
	info := &w.s.types[t]
	if w.rule.Policy == MutationType || !w.keyed(n, t, id) {
		w.tags.static(haveType, t, info.name)
		return
	}
	w.tags.static(haveUnknown, t, info.unknown)
	if w.rule.Policy == MutationList {
		w.tags.static(haveList, t, info.list)
	}
}

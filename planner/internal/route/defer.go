package route

import (
	"errors"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/join"
)

// Members is a set of parts of an answer, a bit for each.
type Members uint64

// First is the part that is answered at once.
const First Members = 1

// MaxParts bounds the parts of an answer.
const MaxParts = 64

// ErrParts tells that an operation has too many of them.
var ErrParts = errors.New("the operation defers more than 63 fragments")

// Has tells whether a part is in the set.
func (m Members) Has(part int) bool { return m>>part&1 != 0 }

// Part is a fragment that is delivered after what surrounds it.
type Part struct {
	Parent   int // index of the part it lies in
	Label    string
	Labelled bool
	Types    join.Set // of the objects it is for
	Place    *Place
}

// deferral is what the normaliser knows of @defer.
type deferral struct {
	on       bool
	parts    []Part
	starts   map[*Place][]int
	deniedIn []Members
}

// part returns the part in which the fields of a fragment lie: a new one when it is deferred.
func (n *normaliser) part(p *Place, list ast.DirectiveList, in int, types join.Set) int {
	d := list.ForName("defer")
	if !n.on || d == nil || !Deferred(d, n.conditions) {
		return in
	}
	made := Part{Parent: in, Types: types, Place: p}
	if l := d.Arguments.ForName("label"); l != nil && l.Value.Kind != ast.NullValue {
		made.Label, made.Labelled = l.Value.Raw, true
	}
	if !p.Possible.And(p.Declared.Accessible).Within(types) && p.Declared.Abstract() {
		p.Typed = true
	}
	at := len(n.parts)
	if at > MaxParts { // told at the end
		return in
	}
	n.parts = append(n.parts, made)
	n.starts[p] = append(n.starts[p], at)
	return at
}

// Deferred decides a @defer for given values of variables.
func Deferred(d *ast.Directive, conditions map[string]bool) bool {
	a := d.Arguments.ForName("if")
	if a == nil {
		return true
	}
	if a.Value.Kind == ast.Variable {
		return conditions[a.Value.Raw]
	}
	return a.Value.Raw != "false"
}

// members returns the parts in which some occurrences lie.
func (n *normaliser) members(list []occurrence) (m Members) {
	for i := range list {
		if part := list[i].part; part < MaxParts {
			m |= 1 << part
		}
	}
	return m
}

// Earliest leaves out the parts that come behind another one of the set: a field is delivered with the part around.
func Earliest(parts []Part, m Members) Members {
	if m&First != 0 {
		return First
	}
	out := m
	for i := range parts {
		if !m.Has(i) {
			continue
		}
		for up := parts[i].Parent; up > 0; up = parts[up].Parent {
			if m.Has(up) {
				out &^= 1 << i
			}
		}
	}
	return out
}

func (n *normaliser) earliest(m Members) Members { return Earliest(n.parts, m) }

// part is what a leaf is for. A type is for whoever is told of what stands there.
func (w *want) part() Members {
	switch {
	case w.node != nil:
		return w.node.For
	case w.place.Via != nil:
		return w.place.Via.For
	}
	return First
}

// options lists the ways to connect a leaf. What is deferred is kept from what others wait for, where there is such a way.
func (r *Router) options(w *want) []option {
	if len(r.entering) == 0 && r.part&^First != 0 {
		if out := r.ways(w, r.apart); len(out) > 0 {
			return out
		}
	}
	return r.ways(w, anywhere)
}

// admission tells whether a leaf may be connected through a group, nil for a new one, that enters or passes at a place.
type admission func(g *Group, at *Place, chain []*Node, w *want) bool

func anywhere(*Group, *Place, []*Node, *want) bool { return true }

// apart admits what no other part waits for. What is asked for twice has to be an entity, or it could be another one the second time.
func (r *Router) apart(g *Group, _ *Place, chain []*Node, _ *want) bool {
	if g != nil {
		return g.For == r.part
	}
	return !slices.ContainsFunc(chain, func(n *Node) bool { return n.For != r.part })
}

// divide settles which parts wait for each group: those whose leaves it answers, and those that wait for who waits for it.
func (r *Router) divide() {
	for i := range r.tasks {
		if g := r.connected(&r.tasks[i].want); g != nil {
			g.For |= r.tasks[i].part
		}
	}
	for changed := true; changed; {
		changed = false
		for _, g := range r.Groups {
			for _, d := range g.Deps {
				if d.For|g.For != d.For {
					d.For |= g.For
					changed = true
				}
			}
		}
	}
	for _, g := range r.Groups {
		if g.For&First != 0 {
			g.For = First
		}
	}
}

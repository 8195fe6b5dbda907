package cachepolicy

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// definition finds a field and, the first time, takes in its hints.
func (w *walker) definition(at place) *ast.FieldDefinition {
	d, before := w.fields[at]
	if !before {
		if d = at.parent.Fields.ForName(at.field); d != nil {
			w.hints(at.parent, d, at.root)
		}
		w.fields[at] = d
	}
	return d
}

// hints takes in what the field's type and the field itself say, in that order.
func (w *walker) hints(parent *ast.Definition, d *ast.FieldDefinition, root bool) {
	target := w.schema.Types[d.Type.Name()]
	composite := target != nil && target.IsCompositeType()
	source := "field " + parent.Name + "." + d.Name
	age, scope := source, source
	var h hint
	if composite {
		h = hintOf(target.Directives)
		age = "type " + target.Name
		scope = age
		if w.configured(&h, target.Name) {
			age = "configuration of type " + target.Name
		}
	}
	inherit := h.inherit
	own := hintOf(d.Directives)
	if w.configured(&own, parent.Name+"."+d.Name) {
		source = "configuration of " + source
	}
	if own.scoped {
		h.private, h.scoped, scope = own.private, true, source
	}
	if own.inherit && !h.given {
		inherit = true
	}
	if own.given {
		h.maxAge, h.given, age = own.maxAge, true, source
	}
	if !h.given && (root || composite && !inherit) && (!root || d.Name != document.EntitiesField) {
		h.maxAge, h.given = w.fallback, true
		age = "default: neither " + source + " nor its type gives one"
		if !composite {
			age = "default: " + source + " gives none"
		}
	}
	w.restrict(h, age, scope)
}

// configured gives a hint that says nothing of a maxAge the one that the configuration has for its name.
func (w *walker) configured(h *hint, name string) bool {
	if h.given || h.inherit {
		return false
	}
	maxAge, ok := w.maxAges[name]
	if ok {
		h.maxAge, h.given = maxAge, true
		w.policy.Configured = true
	}
	return ok
}

// restrict keeps the lesser of what stands and h.
func (w *walker) restrict(h hint, age, scope string) {
	if h.given && (!w.set || h.maxAge < w.policy.MaxAge) {
		w.set = true
		w.policy.MaxAge = h.maxAge
		w.policy.Reason = "maxAge " + strconv.Itoa(h.maxAge) + " by " + age
		w.policy.Path = strings.Join(w.path, ".")
	}
	if h.private && !w.policy.Private {
		w.policy.Private = true
		w.private = scope + " at " + strings.Join(w.path, ".")
	}
}

// entities applies the hints of the entity types the selections on _entities speak of. That field itself has no hint that
// could fit; a type without a maxAge gets the default, as for any root field. When the selections speak of no type, each
// counts.
func (w *walker) entities(set ast.SelectionSet, types []*ast.Definition) {
	if w.fields[place{w.schema.Query, document.EntitiesField, true}].Directives.ForName("cacheControl") != nil {
		return
	}
	asked := 0
	for _, all := range []bool{false, true} {
		for _, t := range types {
			if !all && !w.asked(set, t, map[string]bool{}) {
				continue
			}
			asked++
			h, age := hintOf(t.Directives), "type "+t.Name
			if w.configured(&h, t.Name) {
				age = "configuration of type " + t.Name
			}
			if !h.given {
				h.maxAge, h.given, age = w.fallback, true, "default: type "+t.Name+" gives none"
			}
			w.restrict(h, age, "type "+t.Name)
		}
		if asked > 0 {
			return
		}
	}
}

// asked tells whether the selections ask anything but __typename of type t.
func (w *walker) asked(set ast.SelectionSet, t *ast.Definition, seen map[string]bool) bool {
	for _, sel := range set {
		if w.work++; w.work > maxWork {
			w.stop(tooLarge)
			return true
		}
		switch s := sel.(type) {
		case *ast.Field:
			if !strings.HasPrefix(s.Name, "__") {
				return true
			}
		case *ast.InlineFragment:
			if len(w.narrow([]*ast.Definition{t}, s.TypeCondition)) > 0 && w.asked(s.SelectionSet, t, seen) {
				return true
			}
		case *ast.FragmentSpread:
			f := w.fragments[s.Name]
			if f == nil || seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			if len(w.narrow([]*ast.Definition{t}, f.TypeCondition)) > 0 && w.asked(f.SelectionSet, t, seen) {
				return true
			}
		}
	}
	return false
}

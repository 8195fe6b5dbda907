package gql

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// unset is the MaxAge of a policy to which no field has contributed yet.
const unset = -1

// Hint is a cache policy given by a directive or by a resolver.
type Hint struct {
	MaxAge  int // seconds; -1: not given
	Private bool
}

// Policy is the policy of a whole response: the smallest max-age of all resolved fields, private when any of them is.
type Policy struct{ Hint }

// Cacheable tells whether the response may be stored at all.
func (p Policy) Cacheable() bool { return p.MaxAge > 0 }

// restrict narrows the policy by one field.
func (p *Policy) restrict(h Hint) {
	if h.MaxAge != unset && (p.MaxAge == unset || h.MaxAge < p.MaxAge) {
		p.MaxAge = h.MaxAge
	}
	p.Private = p.Private || h.Private
}

// directive is a parsed @cacheControl.
type directive struct {
	given   bool
	maxAge  int
	private bool
	public  bool
	inherit bool
}

func cacheControl(list ast.DirectiveList) directive {
	d := directive{maxAge: unset}
	found := list.ForName("cacheControl")
	if found == nil {
		return d
	}
	d.given = true
	for _, a := range found.Arguments {
		switch a.Name {
		case "maxAge":
			if n, err := strconv.Atoi(a.Value.Raw); err == nil {
				d.maxAge = n
			}
		case "scope":
			d.private, d.public = a.Value.Raw == "PRIVATE", a.Value.Raw == "PUBLIC"
		case "inheritMaxAge":
			d.inherit = a.Value.Raw == "true"
		}
	}
	if d.inherit {
		d.maxAge = unset // the two exclude each other; inheritance wins
	}
	return d
}

// hint computes what one resolved field contributes: the hint of its composite return type, then the field's own on the concrete parent type, then the
// default of zero for root fields and composite fields that inherit nothing.
func (x *execution) hint(parent *ast.Definition, f *ast.FieldDefinition, dynamic *Hint) Hint {
	h := Hint{MaxAge: unset}
	named := x.e.schema.Types[f.Type.Name()]
	composite := named != nil && named.IsCompositeType()
	inherits := false
	if composite {
		d := cacheControl(named.Directives)
		h.MaxAge, h.Private, inherits = d.maxAge, d.private, d.inherit
	}
	own := cacheControl(f.Directives)
	inherits = inherits || own.inherit && h.MaxAge == unset
	if own.maxAge != unset {
		h.MaxAge = own.maxAge
	}
	if own.private || own.public {
		h.Private = own.private
	}
	if dynamic != nil {
		h = *dynamic
	}
	root := parent == x.e.schema.Query || parent == x.e.schema.Mutation
	if h.MaxAge == unset && (root || composite && !inherits) {
		h.MaxAge = 0
	}
	return h
}

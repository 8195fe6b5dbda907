package planner

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/planner/internal/coerce"
	"github.com/weirproxy/weir/planner/internal/document"
	"github.com/weirproxy/weir/planner/internal/shape"
)

// rootField is a field of a query's root with the tags that follow from it.
type rootField struct {
	tag       string            // Query.city
	args      *coerce.Arguments // nil: none
	templates []template
}

// maxRootFields bounds the root fields that give tags of their own; the rest share the tag Query.*.
const maxRootFields = 200

// restTag stands for the root fields beyond maxRootFields.
const restTag = "Query.*"

// rootFields collects the root fields of a query, those in fragments too.
func (b *builder) rootFields(p *Plan, valid bool) {
	if p.kind != KindQuery || !valid {
		return
	}
	c := rootCollector{b: b, plan: p, seen: map[string]bool{}}
	c.set(b.op.SelectionSet)
}

type rootCollector struct {
	b    *builder
	plan *Plan
	seen map[string]bool
}

func (c *rootCollector) set(set ast.SelectionSet) {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if !strings.HasPrefix(s.Name, "__") && len(c.plan.roots) <= maxRootFields {
				c.field(s)
			}
		case *ast.InlineFragment:
			c.set(s.SelectionSet)
		case *ast.FragmentSpread:
			f := c.b.doc.Fragments.ForName(s.Name)
			if f == nil || c.seen[s.Name] {
				continue
			}
			c.seen[s.Name] = true
			c.set(f.SelectionSet)
		}
	}
}

func (c *rootCollector) field(f *ast.Field) {
	if len(c.plan.roots) == maxRootFields {
		c.plan.roots = append(c.plan.roots, rootField{tag: restTag})
		return
	}
	r := rootField{tag: "Query." + f.Name}
	var schema *ast.Schema
	var defs ast.ArgumentDefinitionList
	if c.b.schema != nil && f.Definition != nil {
		schema, defs = c.b.schema.ast, f.Definition.Arguments
		r.templates = c.templates(f)
	}
	if args := coerce.CompileArguments(schema, defs, f.Arguments); !args.Empty() {
		r.args = args
	}
	c.plan.roots = append(c.plan.roots, r)
}

// templates reads the formats of a field's @cacheTag. An answer that would lack one of the tags is not cached: that tag could not find it.
func (c *rootCollector) templates(f *ast.Field) (out []template) {
	for _, d := range f.Definition.Directives.ForNames("cacheTag") {
		a := d.Arguments.ForName("format")
		if a == nil || a.Value == nil {
			continue
		}
		t, ok := parseTemplate(a.Value.Raw)
		if ok && t.known(f.Definition.Arguments) {
			out = append(out, t)
		} else if p := &c.plan.policy; p.Cacheable || !p.Hinted {
			reason := "the tag " + a.Value.Raw + " of field Query." + f.Name + " asks for what is no argument of it"
			*p = CachePolicy{Private: p.Private, Hinted: true, Reason: reason, Path: document.ResponseName(f)}
		}
	}
	return out
}

// AppendQueryTags appends the tags of a query's entry that follow from the request: for each root field Query.field and, when it has
// arguments, Query.field(h) with h the hash of their values in 16 hexadecimal digits; the tags of @cacheTag; and the name of each object
// type that the response may hold, unless t has it already. v is what Coerce filled. It does not allocate once t's buffers grew. complete is
// false when a tag of @cacheTag is too long to be kept: an entry without it could not be found by it. In place of an argument
// that is null stands null.
func (p *Plan) AppendQueryTags(v *Values, t *Tags) (complete bool) {
	var buf [2 * maxTagBytes]byte
	complete = true
	for i := range p.roots {
		r := &p.roots[i]
		t.AppendString(r.tag)
		if r.args == nil && len(r.templates) == 0 {
			continue
		}
		var args coerce.Value
		if r.args != nil {
			args = r.args.Evaluate(v)
			if len(r.tag) < maxTagBytes {
				t.Append(appendCall(buf[:0], r.tag, xxh3.Hash(args.Bytes())))
			}
		}
		for j := range r.templates {
			switch tag, ok := r.templates[j].append(buf[:0], args); {
			case ok && len(tag) > maxTagBytes:
				complete = false
			case ok && !shape.Holds(t, tag):
				t.Append(tag)
			}
		}
	}
	p.shape.AppendMissingTypes(t)
	return complete
}

func appendCall(dst []byte, tag string, hash uint64) []byte {
	const hex = "0123456789abcdef"
	dst = append(append(dst, tag...), '(')
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hex[hash>>shift&15])
	}
	return append(dst, ')')
}

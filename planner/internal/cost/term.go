package cost

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// term prices the occurrences of one response name on t; they are merged into one field. What is known goes to n.
func (c *compiler) term(t *ast.Definition, outer *sizing, g []record, n *node, terms []term) []term {
	f := c.b.fields[g[0].call]
	if strings.HasPrefix(f.Name, "__") {
		n.known.Type = plus(n.known.Type, 1)
		n.known.Field = plus(n.known.Field, 1)
		return terms
	}
	at := place{t, f.Name}
	x := c.info(at)
	if x.def == nil || x.typ == nil {
		return terms
	}
	tm := term{times: 1, size: -1}
	inner := c.sizes(sizedCall{at, g[0].call}, x, f, outer, &tm)
	c.values(x, inner, g, c.guard(g, &tm), &tm)
	c.callsOf(x, g, &tm)

	known := tm.guards.lo == tm.guards.hi && tm.size < 0 && tm.nodes.lo == tm.nodes.hi
	for _, one := range c.f.calls[tm.calls.lo:tm.calls.hi] {
		known = known && one.inputs.lo == one.inputs.hi
	}
	if known {
		c.f.add(&n.known, &tm, nil, nil)
		return terms
	}
	return append(terms, tm)
}

// sizedCall is a field with its arguments, which tell the size of its lists.
type sizedCall struct {
	at   place
	call int32
}

type sizedResult struct {
	known   float64
	dynamic int32
	inner   int32 // what it says of the lists behind it
}

// sizes fills in how many values the field has and returns the sizing of the lists behind it. What the field itself says
// of its size goes before what the field in front of it says. @listSize speaks of the outermost list; lists within it
// have DefaultListSize.
func (c *compiler) sizes(key sizedCall, x *fieldInfo, f *ast.Field, outer *sizing, tm *term) (inner int32) {
	r, known := c.sized[key]
	if !known {
		r = sizedResult{known: DefaultListSize, dynamic: -1}
		if x.sized {
			r.known, r.dynamic = c.sizeOf(x.size, f.Arguments, x.def.Arguments)
			if len(x.size.sized) > 0 {
				r.inner = int32(len(c.sizings))
				c.sizings = append(c.sizings, sizing{x.size.sized, r.known, r.dynamic})
				r.known, r.dynamic = DefaultListSize, -1
			}
		}
		c.sized[key] = r
	}
	if x.lists == 0 {
		return r.inner
	}
	if (!x.sized || r.inner != 0) && slices.Contains(outer.fields, f.Name) {
		tm.times, tm.size = outer.known, outer.dynamic
	} else {
		tm.times, tm.size = r.known, r.dynamic
	}
	for range x.lists - 1 {
		tm.times = times(tm.times, DefaultListSize)
	}
	return r.inner
}

// guard fills in the conditions of the field; it is resolved when one occurrence is. It tells whether all occurrences have
// the same, so that nothing behind the field need ask again.
func (c *compiler) guard(g []record, tm *term) (same bool) {
	var list []int32
	for _, r := range g {
		if !slices.Contains(list, r.guard) {
			list = append(list, r.guard)
		}
	}
	if slices.Contains(list, 0) {
		return len(list) == 1
	}
	lo := len(c.f.guards)
	for _, one := range list {
		first := len(c.f.flags)
		c.f.flags = append(c.f.flags, c.b.conditions.list[one]...)
		c.f.guards = append(c.f.guards, guard{makeSpan(first, len(c.f.flags))})
	}
	tm.guards = makeSpan(lo, len(c.f.guards))
	return len(list) == 1
}

// values prices one value of the field: the dearest of the types it may have.
func (c *compiler) values(x *fieldInfo, inner int32, g []record, sameGuard bool, tm *term) {
	if !x.typ.IsCompositeType() {
		tm.value.Type = c.weights.typ(x.typ.Name)
		return
	}
	var parts []part
	for _, r := range g {
		switch {
		case r.sub < 0:
		case sameGuard:
			parts = append(parts, part{r.sub, 0})
		default:
			parts = append(parts, part{r.sub, r.guard})
		}
	}
	var nodes []int32
	for _, t := range possible(c.schema, x.typ) {
		o := c.node(t, inner, parts)
		if o.node >= 0 {
			nodes = append(nodes, o.node)
			continue
		}
		tm.value.Type = max(tm.value.Type, o.known.Type)
		tm.value.Field = max(tm.value.Field, o.known.Field)
	}
	slices.Sort(nodes)
	lo := len(c.f.refs)
	c.f.refs = append(c.f.refs, slices.Compact(nodes)...)
	tm.nodes = makeSpan(lo, len(c.f.refs))
}

// callsOf prices the resolver's call: the field's weight, its arguments and its directives. Occurrences may differ in
// directives only.
func (c *compiler) callsOf(x *fieldInfo, g []record, tm *term) {
	lo := len(c.f.calls)
	for i, r := range g {
		if i > 0 && g[i-1].call == r.call {
			continue
		}
		f := c.b.fields[r.call]
		first := len(c.f.inputs)
		cl := call{known: x.weight}
		c.arguments(&cl, x.def.Arguments, f.Arguments)
		for _, d := range f.Directives {
			if def := c.schema.Directives[d.Name]; def != nil && d.Name != "skip" && d.Name != "include" {
				c.arguments(&cl, def.Arguments, d.Arguments)
			}
		}
		cl.inputs = makeSpan(first, len(c.f.inputs))
		c.f.calls = append(c.f.calls, cl)
	}
	tm.calls = makeSpan(lo, len(c.f.calls))
}

func (c *compiler) arguments(cl *call, defs ast.ArgumentDefinitionList, given ast.ArgumentList) {
	for _, def := range defs {
		var v *ast.Value
		if a := given.ForName(def.Name); a != nil {
			v = a.Value
		}
		if v != nil || def.DefaultValue != nil {
			c.argument(cl, c.weights.place(def.Directives, def.Type), def.Type, v, def.DefaultValue)
		}
	}
}

// share adds a node, or finds one that costs the same.
func (c *compiler) share(n node, terms []term) int32 {
	key := appendFloats(nil, n.known.Type, n.known.Field)
	for _, t := range terms {
		for _, g := range c.f.guards[t.guards.lo:t.guards.hi] {
			for _, x := range c.f.flags[g.flags.lo:g.flags.hi] {
				key = append(binary.LittleEndian.AppendUint32(key, uint32(x.variable)), byte(toInt(x.want)))
			}
			key = append(key, '|')
		}
		key = append(key, 0)
		for _, one := range c.f.calls[t.calls.lo:t.calls.hi] {
			key = appendFloats(key, one.known)
			for _, in := range c.f.inputs[one.inputs.lo:one.inputs.hi] {
				key = appendFloats(key, float64(in.variable), in.weight, in.absent, float64(in.typ))
			}
			key = append(key, 0)
		}
		key = appendFloats(append(key, 0), t.times, float64(t.size), t.value.Type, t.value.Field)
		for _, r := range c.f.refs[t.nodes.lo:t.nodes.hi] {
			key = binary.LittleEndian.AppendUint32(key, uint32(r))
		}
		key = append(key, 0)
	}
	at, known := c.equal[string(key)]
	if !known {
		at = int32(len(c.f.nodes))
		c.equal[string(key)] = at
		lo := len(c.f.terms)
		c.f.terms = append(c.f.terms, terms...)
		n.terms = makeSpan(lo, len(c.f.terms))
		c.f.nodes = append(c.f.nodes, n)
	}
	return at
}

func appendFloats(dst []byte, list ...float64) []byte {
	for _, x := range list {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst
}

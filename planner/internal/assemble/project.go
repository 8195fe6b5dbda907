package assemble

import (
	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/join"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/route"
)

func prefix(key string) []byte { return append(jsonscan.AppendQuoted(nil, key), ':') }

// project compiles how the objects of a place are written for the client, once.
func (b *builder) project(p *route.Place) int {
	if at, ok := b.projected[p]; ok {
		return at
	}
	at := len(b.plan.Projections)
	b.projected[p] = at
	b.plan.Projections = append(b.plan.Projections, fetch.Projection{})
	visible := p.Possible.And(p.Declared.Accessible)
	out := fetch.Projection{Fields: []fetch.ProjectionField{}}
	if p.Typed {
		out.Types = b.typeSet(p.Declared.Accessible)
	}
	for _, v := range b.op.Views[p] {
		f := fetch.ProjectionField{Key: v.Key, Prefix: prefix(v.Key), Slot: -1, Projection: -1, Parent: p.Declared.Name}
		b.divideField(&f, &v)
		if !visible.Within(v.Types) {
			f.Types = b.typeSet(v.Types)
		}
		switch {
		case v.Denied:
			f.Leaf, f.Type = fetch.LeafDenied, v.Def.Type.Name
			f.Wrap = fetch.Wrap{Lists: v.Wrap.Lists, NonNull: v.Wrap.NonNull}
		case v.Node != nil:
			b.projectNode(&f, &v)
		case v.Field.Name == "__typename":
			f.Leaf, f.Type = fetch.LeafTypename, "String"
			f.Wrap.NonNull = 1
		default:
			f.Leaf, f.Type = fetch.LeafConstant, v.Field.Name
			f.Constant = b.introspect(v.Field)
		}
		out.Fields = append(out.Fields, f)
	}
	b.start(p, at, &out, visible)
	b.plan.Projections[at] = out
	return at
}

func (b *builder) projectNode(f *fetch.ProjectionField, v *route.View) {
	t := v.Def.Type
	f.Slot = b.layouts.slots[v.Node.Slot]
	f.Type = t.Name
	f.Wrap = fetch.Wrap{Lists: v.Wrap.Lists, NonNull: v.Wrap.NonNull}
	switch t.Kind {
	case join.Enum:
		f.Leaf = fetch.LeafEnum
		f.Enum = b.enum(t)
	case join.Scalar:
		f.Leaf = scalar(t.Name)
	default:
		f.Leaf = fetch.LeafObject
		f.Projection = b.project(v.Node.Child)
		f.Below = b.plan.Projections[f.Projection].Below
	}
}

func scalar(name string) fetch.Leaf {
	switch name {
	case "Int":
		return fetch.LeafInt
	case "Float":
		return fetch.LeafFloat
	case "String":
		return fetch.LeafString
	case "Boolean":
		return fetch.LeafBoolean
	case "ID":
		return fetch.LeafID
	}
	return fetch.LeafScalar
}

func (b *builder) enum(t *join.Type) *fetch.Enum {
	if e := b.enums[t]; e != nil {
		return e
	}
	e := fetch.NewEnum(t.Name, t.Values)
	b.enums[t] = e
	return e
}

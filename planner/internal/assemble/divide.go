package assemble

import (
	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/join"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/route"
)

// divide takes over the parts of the operation, when there is more than one.
func (b *builder) divide() {
	if len(b.op.Parts) < 2 {
		return
	}
	var some fetch.Parts
	for _, views := range b.op.Views {
		for i := range views {
			some |= b.earliest(&views[i])
		}
	}
	for i, part := range b.op.Parts {
		out := fetch.Part{Label: part.Label, Labelled: part.Labelled, Quoted: jsonscan.AppendQuoted(nil, part.Label), Parent: part.Parent, Projection: -1, Empty: !some.Has(i), Above: part.Parent}
		for out.Above > 0 && b.plan.Parts[out.Above].Empty {
			out.Above = b.plan.Parts[out.Above].Parent
		}
		b.plan.Parts = append(b.plan.Parts, out)
	}
	for _, in := range b.op.DeniedIn {
		b.plan.DeniedIn = append(b.plan.DeniedIn, fetch.Parts(route.Earliest(b.op.Parts, in)))
	}
}

func (b *builder) earliest(v *route.View) fetch.Parts {
	return fetch.Parts(route.Earliest(b.op.Parts, v.In))
}

func (b *builder) divideField(f *fetch.ProjectionField, v *route.View) {
	if len(b.plan.Parts) > 0 {
		f.In, f.For = fetch.Parts(v.In), b.earliest(v)
	}
}

// start tells which parts begin at a place, and which go on there.
func (b *builder) start(p *route.Place, at int, out *fetch.Projection, visible join.Set) {
	if len(b.plan.Parts) == 0 {
		return
	}
	out.Starts = b.op.Starts[p]
	for _, i := range out.Starts {
		part := &b.plan.Parts[i]
		part.Projection = at
		if types := b.op.Parts[i].Types; !visible.Within(types) {
			part.Types = b.typeSet(types)
		}
		out.Below |= fetch.Of(part.Parent) | fetch.Of(part.Above)
	}
	for i := range out.Fields {
		f := &out.Fields[i]
		out.Below |= f.For | f.Below
		out.Divided = out.Divided || f.In != fetch.First || f.Projection >= 0 && b.plan.Projections[f.Projection].Divided
	}
	out.Divided = out.Divided || len(out.Starts) > 0
}

package execute

import (
	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/planner"
)

// What stands in a sum for what is no text.
const (
	sumNull = iota + 1
	sumOpen
	sumClose
)

// sum hashes the representation of an object without writing it; false when it cannot be asked for.
func (r *run) sum(o int32, index int, hash uint64) (uint64, bool) {
	rep, typ := &r.plan.Representations[index], r.objects[o].typ
	switch {
	case !rep.OwnTypename:
		hash = mix(hash, uint64(len(rep.Typename)))
	case typ == planner.NoType:
		return 0, false
	default:
		hash = mix(hash, uint64(len(r.plan.Types[typ].Name)))
	}
	for i := range rep.Fields {
		f := &rep.Fields[i]
		if !f.Types.Has(typ) {
			if typ == planner.NoType { // it cannot be told which of the fields it has
				return 0, false
			}
			continue
		}
		v := r.slot(o, f.Slot)
		if v.kind == absent || v.kind == null && f.NonNull {
			return 0, false
		}
		var ok bool
		if hash, ok = r.sumValue(v, f.Representation, hash); !ok {
			return 0, false
		}
	}
	return hash, true
}

func (r *run) sumValue(v value, rep int, hash uint64) (uint64, bool) {
	switch v.kind {
	case leaf:
		return xxh3.HashSeed(r.of(v), hash), true
	case object:
		if rep < 0 {
			return 0, false
		}
		return r.sum(v.at, rep, hash)
	case list:
		hash = mix(hash, sumOpen)
		for i := v.at; i < v.end; i++ {
			var ok bool
			if hash, ok = r.sumValue(r.slots[i], rep, hash); !ok {
				return 0, false
			}
		}
		return mix(hash, sumClose), true
	}
	return mix(hash, sumNull), true
}

func mix(hash, x uint64) uint64 { return (hash ^ x) * 0x9e3779b97f4a7c15 }

// alike tells whether two objects have the same representation.
func (r *run) alike(o, p int32, index int) bool {
	rep, typ, other := &r.plan.Representations[index], r.objects[o].typ, r.objects[p].typ
	if rep.OwnTypename && typ != other {
		return false
	}
	for i := range rep.Fields {
		f := &rep.Fields[i]
		has := f.Types.Has(typ)
		if has != f.Types.Has(other) || has && !r.alikeValues(r.slot(o, f.Slot), r.slot(p, f.Slot), f.Representation) {
			return false
		}
	}
	return true
}

func (r *run) alikeValues(v, w value, rep int) bool {
	switch {
	case v.kind != w.kind:
		return false
	case v.kind == object:
		return v.at == w.at || r.alike(v.at, w.at, rep)
	case v.kind == list:
		if v.end-v.at != w.end-w.at {
			return false
		}
		for i := range v.end - v.at {
			if !r.alikeValues(r.slots[v.at+i], r.slots[w.at+i], rep) {
				return false
			}
		}
		return true
	}
	return r.same(v, w)
}

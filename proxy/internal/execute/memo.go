package execute

import "github.com/weirproxy/weir/planner"

// memo holds the entities that the subgraph of a lookup has answered for already in this request.
type memo struct {
	sources []planner.Known
	found   table
	objects []memoObject // by the table's numbers
}

type memoObject struct {
	object int32
	source int32
}

// remember fills the memo for a lookup of a step. A source whose answer had errors is left out: what is null in it may not be null.
func (r *run) remember(step *planner.FetchStep, lookup int) {
	m := &r.memo
	m.sources, m.objects = nil, m.objects[:0]
	if !r.e.cfg.Memo {
		return
	}
	known := r.plan.KnownFor(step.ID)
	if known == nil || len(known[lookup]) == 0 {
		return
	}
	m.found.reset()
	m.sources = known[lookup]
	for i := range m.sources {
		if s := &m.sources[i]; !r.faulty[s.Step] {
			r.rememberBelow(0, s.Path, int32(i))
		}
	}
}

func (r *run) rememberBelow(o int32, path []int32, source int32) {
	if len(path) == 0 {
		r.rememberObject(o, source)
		return
	}
	r.rememberValue(r.slot(o, int(path[0])), path[1:], source)
}

func (r *run) rememberValue(v value, path []int32, source int32) {
	switch v.kind {
	case object:
		r.rememberBelow(v.at, path, source)
	case list:
		for i := v.at; i < v.end; i++ {
			r.rememberValue(r.slots[i], path, source)
		}
	}
}

func (r *run) rememberObject(o, source int32) {
	m := &r.memo
	s := &m.sources[source]
	rep := &r.plan.Representations[s.Representation]
	if r.objects[o].typ != s.Type {
		return
	}
	hash := mix(0, uint64(len(rep.Typename)))
	for i, k := range s.Keys {
		v := r.slot(o, int(k))
		if v.kind == absent || v.kind == null && rep.Fields[i].NonNull {
			return
		}
		hash, _ = r.sumValue(v, -1, hash)
	}
	_, known := m.found.find(hash, func(n int32) bool {
		other := m.objects[n]
		t := &m.sources[other.source]
		if t.Representation != s.Representation {
			return false
		}
		for i := range s.Keys {
			if !r.same(r.slot(o, int(s.Keys[i])), r.slot(other.object, int(t.Keys[i]))) {
				return false
			}
		}
		return true
	})
	if !known {
		m.objects = append(m.objects, memoObject{o, source})
	}
}

// remembered gives an object what a lookup would bring for it, if the memo has all of it.
func (r *run) remembered(o int32, target, representation int, hash uint64) bool {
	m := &r.memo
	rep := &r.plan.Representations[representation]
	n, ok := m.found.look(hash, func(n int32) bool {
		s := &m.sources[m.objects[n].source]
		if s.Representation != representation {
			return false
		}
		for i := range rep.Fields {
			if !r.same(r.slot(o, rep.Fields[i].Slot), r.slot(m.objects[n].object, int(s.Keys[i]))) {
				return false
			}
		}
		return true
	})
	if !ok {
		return false
	}
	from := m.objects[n]
	copies := m.sources[from.source].Copies[target]
	if copies == nil {
		return false
	}
	for _, c := range copies {
		if r.slot(from.object, int(c.From)).kind == absent {
			return false
		}
	}
	slots := r.objects[o].slots
	for _, c := range copies {
		if was := r.slots[slots+c.To].kind; was == absent || was == null {
			r.write(slots+c.To, r.slot(from.object, int(c.From)))
		}
	}
	r.tell(o, r.objects[from.object].typ)
	return true
}

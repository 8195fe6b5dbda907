package fetch

import "slices"

// Known tells where, when a lookup is about to be asked, objects stand that may be the same entities and have been answered for by the same
// subgraph already, with the same fields. Who executes the plan may take from there what the lookup would bring.
type Known struct {
	Step           int // whose answer it was
	Path           []int32
	Type           TypeID
	Representation int     // of the targets that it can be compared with
	Keys           []int32 // slots of the objects, for the fields of the representation
	// Copies has, by target of the lookup, which slots to take; nil: something is missing.
	Copies [][]Copy
}

// Copy is a slot to take, and where to put it.
type Copy struct{ From, To int32 }

// maxKnown bounds the places to look at for one lookup.
const maxKnown = 8

// KnownFor returns what may be known already for the lookups of a step. It is found once for a plan, when it is first asked for. A plan with
// mutations has none: what was known may have changed.
func (p *Plan) KnownFor(step int) [][]Known {
	p.knownOnce.Do(func() {
		p.known = make([][][]Known, len(p.Steps))
		if slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Kind == Mutation }) {
			return
		}
		for i := range p.Steps {
			if p.Steps[i].Kind == Entities {
				p.known[i] = p.findKnown(&p.Steps[i])
			}
		}
	})
	return p.known[step]
}

func (p *Plan) findKnown(s *Step) [][]Known {
	before := make([]bool, len(p.Steps))
	for _, a := range s.After {
		before[a] = true
	}
	for i := s.ID - 1; i >= 0; i-- { // each step is behind all it waits for
		if before[i] {
			for _, a := range p.Steps[i].After {
				before[a] = true
			}
		}
	}
	found, some := make([][]Known, len(s.Lookups)), false
	for i, ok := range before {
		if !ok || p.Steps[i].Subgraph != s.Subgraph {
			continue
		}
		p.fills(&p.Steps[i], func(path []int32, output int) {
			for l := range s.Lookups {
				if len(found[l]) < maxKnown {
					found[l] = p.addKnown(found[l], &s.Lookups[l], i, path, output)
					some = some || len(found[l]) > 0
				}
			}
		})
	}
	if !some {
		return nil
	}
	return found
}

// fills calls f for each place that a step fills.
func (p *Plan) fills(s *Step, f func(path []int32, output int)) {
	var down func(path []int32, output int)
	down = func(path []int32, output int) {
		f(path, output)
		for _, e := range p.Outputs[output].Entries {
			if e.Output >= 0 {
				down(append(slices.Clip(path), int32(e.Slot)), e.Output)
			}
		}
	}
	if s.Kind != Entities {
		down(nil, s.Output)
		return
	}
	for l := range s.Lookups {
		for _, t := range s.Lookups[l].Targets {
			var path []int32
			for _, e := range t.Path {
				path = append(path, int32(e.Slot))
			}
			down(path, t.Output)
		}
	}
}

// addKnown adds the objects that an output fills, once for each representation of the lookup that they can be compared with.
func (p *Plan) addKnown(list []Known, l *Lookup, step int, path []int32, output int) []Known {
	out := &p.Outputs[output]
	typ := p.Layouts[out.Layout].Type
	if typ == NoType {
		return list
	}
	for i := range l.Targets {
		t := &l.Targets[i]
		if slices.ContainsFunc(list, func(k Known) bool {
			return k.Representation == t.Representation && slices.Equal(k.Path, path) && k.Step == step
		}) {
			continue
		}
		k := Known{Step: step, Path: path, Type: typ, Representation: t.Representation, Copies: make([][]Copy, len(l.Targets))}
		var ok bool
		if k.Keys, ok = p.keys(t, out.Layout, typ); !ok {
			continue
		}
		some := false
		for j := range l.Targets {
			if o := &l.Targets[j]; o.Representation == t.Representation {
				k.Copies[j] = p.copies(output, o.Output)
				some = some || k.Copies[j] != nil
			}
		}
		if some {
			list = append(list, k)
		}
	}
	return list
}

// keys finds the slots of a layout for the fields of a target's representation: plain ones, of the only type of the layout.
func (p *Plan) keys(t *Target, layout int, typ TypeID) (keys []int32, ok bool) {
	r := &p.Representations[t.Representation]
	from := &p.Layouts[p.Outputs[t.Output].Layout]
	if r.OwnTypename || r.Typename != p.Types[typ].Name || from.Type != typ {
		return nil, false
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Types != nil || f.Representation >= 0 {
			return nil, false
		}
		slot := p.slotOf(layout, from.Slots[f.Slot].Field)
		if slot < 0 || p.Layouts[layout].Slots[slot].Layout >= 0 {
			return nil, false
		}
		keys = append(keys, int32(slot))
	}
	return keys, len(keys) > 0
}

func (p *Plan) slotOf(layout int, field string) int {
	return slices.IndexFunc(p.Layouts[layout].Slots, func(s Slot) bool { return s.Field == field })
}

// copies finds what to take from the objects of one output for all that another one wants; nil when something is missing.
func (p *Plan) copies(have, want int) []Copy {
	var out []Copy
	h, w := &p.Outputs[have], &p.Outputs[want]
	for _, e := range w.Entries {
		if e.Slot == TypenameSlot {
			continue
		}
		to := &p.Layouts[w.Layout].Slots[e.Slot]
		from := p.slotOf(h.Layout, to.Field)
		i := slices.IndexFunc(h.Entries, func(o Entry) bool { return o.Slot == from })
		if from < 0 || i < 0 || p.Layouts[h.Layout].Slots[from].Layout != to.Layout || e.Output >= 0 && !p.covers(h.Entries[i].Output, e.Output) {
			return nil
		}
		out = append(out, Copy{int32(from), int32(e.Slot)})
	}
	return out
}

// covers tells that an output of a layout has all entries of another one, at any depth.
func (p *Plan) covers(have, want int) bool {
	if have < 0 {
		return false
	}
	h, w := &p.Outputs[have], &p.Outputs[want]
	return h.Layout == w.Layout && !slices.ContainsFunc(w.Entries, func(e Entry) bool {
		return !slices.ContainsFunc(h.Entries, func(o Entry) bool {
			return o.Slot == e.Slot && (e.Output < 0 || p.covers(o.Output, e.Output))
		})
	})
}

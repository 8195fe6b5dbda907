package assemble

import (
	"slices"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/join"
	"github.com/weirproxy/weir/planner/internal/route"
)

// printer prints the selection of one group and compiles where its answer goes.
type printer struct {
	*builder
	graph   join.Graph
	b       strings.Builder
	outputs map[*route.Scope]int
	// shapes are, for each slot, the types that its key has stood for in this group. Fields of different types that may stand in one
	// object of the answer must have different keys.
	shapes    map[*route.Slot][]string
	variables []string
}

func (p *printer) output(s *route.Scope) int {
	if i, ok := p.outputs[s]; ok {
		return i
	}
	i := len(p.plan.Outputs)
	p.outputs[s] = i
	p.plan.Outputs = append(p.plan.Outputs, fetch.Output{Layout: p.layouts.layout(s), Entries: []fetch.Entry{}})
	return i
}

// entry notes where a key goes, once.
func (p *printer) entry(output int, e fetch.Entry) {
	o := &p.plan.Outputs[output]
	for _, old := range o.Entries {
		if old.Key == e.Key {
			return
		}
	}
	o.Entries = append(o.Entries, e)
}

// group prints what stands between the braces of a root selection or of _entities.
func (p *printer) group(g *route.Group) {
	s := g.Source
	p.output(s.Place.Scope)
	if !g.Entity {
		p.fields(s, s.View, s.Place.Possible)
		return
	}
	for _, e := range g.Entries {
		switch {
		case e.View.Kind == join.Object:
			p.on(s, e.View, s.Place.Possible.And(e.View.Possible))
		case e.View.In(p.graph).InterfaceObject:
			types := e.Types
			if types == nil {
				types = s.Place.Possible
			}
			p.b.WriteString("...on " + e.View.Name + "{")
			p.plain(s, e.View, types)
			p.b.WriteByte('}')
		default:
			p.b.WriteString("...on " + e.View.Name + "{")
			p.fields(s, e.View, s.Place.Possible)
			p.b.WriteByte('}')
		}
	}
}

// on prints a fragment for one type, if there is anything to print.
func (p *printer) on(s *route.Source, t *join.Type, types join.Set) {
	p.b.WriteString("...on " + t.Name + "{")
	p.plain(s, t, types)
	p.b.WriteByte('}')
}

// fields prints a selection on a type as the graph has it.
func (p *printer) fields(s *route.Source, view *join.Type, possible join.Set) {
	if view.Kind == join.Object || s.Blurred {
		p.plain(s, view, possible)
		return
	}
	start := p.b.Len()
	here := view.Possible
	if part := view.In(p.graph); part != nil {
		here = part.Possible
	}
	here = here.And(possible)
	if s.Typename {
		p.typename(s)
	}
	var rest []*route.Pick
	for _, k := range s.Picks {
		if partOf(view, p.graph, k.Node.Name) != nil && here.And(view.Accessible).Within(k.Types) {
			p.field(s, k, view, here)
		} else if k.Types.Meets(here) {
			rest = append(rest, k)
		}
	}
	for o := range here.All {
		t := p.s.Objects[o]
		own := t.Possible
		if !slices.ContainsFunc(rest, func(k *route.Pick) bool { return k.Types.Meets(own) }) || t.In(p.graph) == nil {
			continue
		}
		p.b.WriteString("...on " + t.Name + "{")
		for _, k := range rest {
			if k.Types.Meets(own) {
				p.field(s, k, t, own)
			}
		}
		p.b.WriteByte('}')
	}
	if p.b.Len() == start {
		p.b.WriteString("__typename")
	}
}

// plain prints a selection on a type that stands for itself.
func (p *printer) plain(s *route.Source, view *join.Type, types join.Set) {
	start := p.b.Len()
	if s.Typename && view.Kind == join.Object {
		p.typename(s)
	}
	for _, k := range s.Picks {
		if k.Types.Meets(types) {
			p.field(s, k, view, types)
		}
	}
	if p.b.Len() == start {
		p.b.WriteString("__typename")
	}
}

func (p *printer) typename(s *route.Source) {
	p.word("__typename")
	p.entry(p.output(s.Place.Scope), fetch.Entry{Key: "__typename", Slot: fetch.TypenameSlot, Output: -1})
}

// word writes a name, parted from a name before it.
func (p *printer) word(w string) {
	if n := p.b.Len(); n > 0 {
		if c := p.b.String()[n-1]; c != '{' && c != '}' && c != ')' {
			p.b.WriteByte(' ')
		}
	}
	p.b.WriteString(w)
}

func partOf(t *join.Type, g join.Graph, name string) *join.FieldPart {
	if f := t.Fields[name]; f != nil {
		return f.In(g)
	}
	return nil
}

func (p *printer) field(s *route.Source, k *route.Pick, view *join.Type, types join.Set) {
	n := k.Node
	part := partOf(view, p.graph, n.Name)
	if part == nil {
		return
	}
	key := p.key(n.Slot, part)
	if key != n.Name {
		p.word(key + ":" + n.Name + n.Arguments)
	} else {
		p.word(n.Name + n.Arguments)
	}
	for _, v := range n.Variables {
		if !slices.Contains(p.variables, v) {
			p.variables = append(p.variables, v)
		}
	}
	e := fetch.Entry{Key: key, Slot: -1, Output: -1}
	here := p.output(s.Place.Scope)
	e.Slot = p.layouts.slots[n.Slot]
	if n.Child == nil {
		p.entry(here, e)
		return
	}
	e.Output = p.output(n.Child.Scope)
	p.entry(here, e)
	p.b.WriteByte('{')
	p.fields(k.Child, part.Type, n.Child.Possible)
	p.b.WriteByte('}')
}

// key is the key for a slot in this graph's answer.
func (p *printer) key(slot *route.Slot, part *join.FieldPart) string {
	shape := part.Text
	if part.Type.Composite() {
		shape = strings.ReplaceAll(shape, part.Type.Name, "")
	}
	i := slices.Index(p.shapes[slot], shape)
	if i < 0 {
		i = len(p.shapes[slot])
		p.shapes[slot] = append(p.shapes[slot], shape)
	}
	if i == 0 {
		return slot.Name
	}
	return "_s" + strconv.Itoa(i) + "_" + slot.Name
}

package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// maker makes a federated schema. What it makes can be answered: the graphs of an entity are connected by their keys, value types are the same everywhere, and a
// field only returns what its graphs know.
type maker struct {
	r      *rand.Rand
	s      *federated.Schema
	graphs []int // without the one that has interface objects
	blurry int   // that one; -1: none

	entities, values, unions, interfaces []*federated.Type
	pool                                 map[string][]string // entity: keys it may have
	implementers                         map[string][]string // interface: entities
	clean                                map[string]bool     // Type.field that must not fail
	count                                int
	wide, rich                           bool // see widen and enrich
}

func (m *maker) oneIn(n int) bool { return m.r.IntN(n) == 0 }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (m *maker) name(prefix string) string {
	m.count++
	return fmt.Sprintf("%s%d", prefix, m.count)
}

// breadth says what a world has. A plain one has what the first worlds had; what is added has numbers of its own, so that a seed stands for the same world
// without it.
type breadth struct {
	wide bool // see widen
	rich bool // see enrich
}

// breadthOf is that of the world of a seed, where nothing else is said.
func breadthOf(seed uint64) breadth { return breadth{wide: seed%2 == 1, rich: seed%4 >= 2} }

// makeSchema makes one from a seed; clean lists the fields that must not fail.
func makeSchema(seed uint64, b breadth) (s *federated.Schema, clean map[string]bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	m := &maker{
		r: r, s: &federated.Schema{}, blurry: -1,
		pool: map[string][]string{}, implementers: map[string][]string{}, clean: map[string]bool{},
	}
	for g := range 2 + r.IntN(3) {
		m.s.Graphs = append(m.s.Graphs, string(rune('a'+g)))
		m.graphs = append(m.graphs, g)
	}
	blur := m.oneIn(3)
	if blur {
		m.blurry = len(m.s.Graphs)
		m.s.Graphs = append(m.s.Graphs, "o")
	}
	m.basics()
	m.makeValues()
	m.makeEntities()
	m.makeAbstract(blur)
	for _, e := range m.entities {
		m.leafFields(e)
	}
	for _, e := range m.entities {
		m.refFields(e)
	}
	for range r.IntN(5) {
		m.require()
	}
	for range r.IntN(3) {
		m.override()
	}
	if blur {
		m.blur()
	}
	m.roots()
	m.mutations()
	for range r.IntN(4) {
		m.provide()
	}
	if b.wide {
		m.widen(rand.New(rand.NewPCG(seed, 4)))
	}
	if b.rich {
		m.enrich(rand.New(rand.NewPCG(seed, 5)))
	}
	for _, i := range m.interfaces {
		m.settle(i)
	}
	m.s.Types = slices.DeleteFunc(m.s.Types, func(t *federated.Type) bool { return len(t.Parts) == 0 })
	if b.rich {
		m.hide()
	}
	return m.s, m.clean
}

func (m *maker) add(t *federated.Type) *federated.Type {
	m.s.Types = append(m.s.Types, t)
	return t
}

// basics are the types of arguments and leaves, and the roots; all graphs have the former.
func (m *maker) basics() {
	m.add(&federated.Type{Name: "Query", Kind: ast.Object})
	var parts []federated.Part
	var everywhere []federated.FieldPart
	for g := range m.s.Graphs {
		parts = append(parts, federated.Part{Graph: g})
		everywhere = append(everywhere, federated.FieldPart{Graph: g})
	}
	m.add(&federated.Type{Name: "Color", Kind: ast.Enum, Parts: parts, Values: []string{"RED", "GREEN", "BLUE"}})
	m.add(&federated.Type{Name: "Filter", Kind: ast.InputObject, Parts: parts, Fields: []*federated.Field{
		{Name: "min", Type: "Int", Default: "1", Parts: everywhere},
		{Name: "tag", Type: "String", Parts: everywhere},
		{Name: "colors", Type: "[Color!]", Default: "[RED]", Parts: everywhere},
		{Name: "deep", Type: "Filter", Parts: everywhere},
	}})
}

func (m *maker) makeValues() {
	org := m.add(&federated.Type{Name: "Org", Kind: ast.Object, Fields: []*federated.Field{{Name: "id", Type: "ID!"}, {Name: "title", Type: "String"}}})
	m.clean["Org.id"] = true
	m.values = append(m.values, org)
	for i := range m.r.IntN(3) {
		v := m.add(&federated.Type{Name: fmt.Sprintf("V%d", i), Kind: ast.Object})
		for range 1 + m.r.IntN(3) {
			typ, arguments := m.leaf()
			v.Fields = append(v.Fields, &federated.Field{Name: m.name("v"), Type: typ, Arguments: arguments})
		}
		if i > 0 && m.oneIn(2) {
			v.Fields = append(v.Fields, &federated.Field{Name: m.name("v"), Type: pick(m.r, []string{"V0", "[V0!]", "V0!"})})
		}
		m.values = append(m.values, v)
	}
}

// leaf makes the type of a leaf, and arguments, which show in texts.
func (m *maker) leaf() (typ, arguments string) {
	typ = pick(m.r, []string{"String", "String", "String!", "Int", "Int!", "Float", "Boolean", "ID", "Color", "Color!", "[String]", "[String!]!", "[[Int]]", "[Color!]"})
	if strings.Contains(typ, "Color") {
		return typ, ""
	}
	return typ, m.arguments()
}

func (m *maker) arguments() string {
	if !m.oneIn(4) {
		return ""
	}
	return pick(m.r, []string{"x: Int", "x: Int = 3, in: Filter", "c: Color = GREEN", "ids: [ID!], in: Filter!", "deep: [[Int]], s: String"})
}

func (m *maker) makeEntities() {
	for i := range 2 + m.r.IntN(3) {
		e := m.add(&federated.Type{Name: fmt.Sprintf("E%d", i), Kind: ast.Object})
		m.entities = append(m.entities, e)
		pool := []string{"id", "code", "area org { id }", "code area"}
		if i > 0 && m.oneIn(3) {
			pool = append(pool, "area peer { id }")
		}
		if !m.oneIn(3) { // id everywhere
			m.pool[e.Name] = append([]string{"id"}, pool[1+m.r.IntN(len(pool)-1)])
		} else {
			m.r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
			m.pool[e.Name] = pool[:2+m.r.IntN(2)]
		}
		used := []string{}
		for _, g := range m.some(m.graphs) {
			m.keys(e, g, &used)
		}
	}
}

// some returns some of a list, at least one, in any order.
func (m *maker) some(list []int) []int {
	out := slices.Clone(list)
	m.r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:1+m.r.IntN(len(out))]
}

// keys makes a graph hold an entity: by one of the keys that others have, and maybe one more.
func (m *maker) keys(e *federated.Type, g int, used *[]string) {
	key := m.pool[e.Name][0]
	if key != "id" && len(*used) > 0 {
		key = pick(m.r, *used)
	}
	m.key(e, g, key)
	if m.oneIn(2) {
		more := pick(m.r, m.pool[e.Name])
		m.key(e, g, more)
	}
	for _, k := range e.In(g).Keys {
		if !slices.Contains(*used, k.Fields) {
			*used = append(*used, k.Fields)
		}
	}
}

// key adds a key to an entity in a graph, and the fields of the key.
func (m *maker) key(e *federated.Type, g int, key string) {
	p := e.In(g)
	if p == nil {
		e.Parts = append(e.Parts, federated.Part{Graph: g})
		p = e.In(g)
	}
	if slices.ContainsFunc(p.Keys, func(k federated.Key) bool { return k.Fields == key }) {
		return
	}
	p.Keys = append(p.Keys, federated.Key{Fields: key})
	for _, name := range []string{"id", "code", "area", "org", "peer"} {
		top := strings.Split(key, "{")[0]
		if !slices.Contains(strings.Fields(top), name) {
			continue
		}
		typ := map[string]string{"id": "ID!", "code": "String!", "area": "String!", "org": "Org!", "peer": m.entities[0].Name + "!"}[name]
		m.clean[e.Name+"."+name] = true
		m.field(e, name, typ, "", g)
		switch name {
		case "org":
			m.know(g, "Org")
		case "peer":
			m.key(m.entities[0], g, "id")
			if p := m.entities[0].In(g); m.pool[m.entities[0].Name][0] != "id" && len(p.Keys) == 1 {
				m.know(g, m.entities[0].Name)
			}
		}
	}
}

// field makes graphs resolve a field.
func (m *maker) field(t *federated.Type, name, typ, arguments string, graphs ...int) *federated.Field {
	f := t.Field(name)
	if f == nil {
		f = &federated.Field{Name: name, Type: typ, Arguments: arguments}
		t.Fields = append(t.Fields, f)
	}
	for _, g := range graphs {
		if p := f.In(g); p == nil {
			f.Parts = append(f.Parts, federated.FieldPart{Graph: g})
		} else {
			p.External = false
		}
	}
	return f
}

package subgraphs

import (
	"context"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/bench/internal/gql"
)

// Config of a Subgraph.
type Config struct {
	Name string
	SDL  string // with federation directives, without definitions of them
	Data *Data
	// Overridden lists fields (Type.field) that others have taken over: to ask for them is an error.
	Overridden []string
	// Monolith: the schema is the whole one, without federation; fields that require others find them in the tables.
	Monolith bool
}

// Subgraph answers for one schema. It is safe for concurrent use.
type Subgraph struct {
	data     *Data
	engine   *gql.Engine
	types    map[string]*typeView
	monolith bool
}

// typeView is what the subgraph's SDL says of an object type or an interface.
type typeView struct {
	name   string
	keys   []*selection // that can be asked by
	known  map[string]bool
	blurs  bool // an interface object
	fields map[string]*fieldView
}

type fieldView struct {
	external   bool
	overridden bool
	requires   *selection
	provides   *selection
}

// definitions of what a subgraph's SDL may use.
const definitions = `
scalar FieldSet
directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @requires(fields: FieldSet!) on FIELD_DEFINITION
directive @provides(fields: FieldSet!) on FIELD_DEFINITION
directive @external on OBJECT | FIELD_DEFINITION
directive @shareable repeatable on OBJECT | FIELD_DEFINITION
directive @override(from: String!, label: String) on FIELD_DEFINITION
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
directive @interfaceObject on OBJECT
`

// New reads the schema. An error names what is wrong with it.
func New(cfg Config) (*Subgraph, error) {
	s := &Subgraph{data: cfg.Data, types: map[string]*typeView{}, monolith: cfg.Monolith}
	doc, err := parser.ParseSchema(&ast.Source{Name: cfg.Name, Input: cfg.SDL})
	if err != nil {
		return nil, fmt.Errorf("subgraph %s: %w", cfg.Name, err)
	}
	for _, d := range doc.Definitions {
		if d.Kind == ast.Object || d.Kind == ast.Interface {
			if err := s.view(d); err != nil {
				return nil, fmt.Errorf("subgraph %s: type %s: %w", cfg.Name, d.Name, err)
			}
		}
	}
	for _, name := range cfg.Overridden {
		t, field, _ := strings.Cut(name, ".")
		if v := s.types[t]; v != nil && v.fields[field] != nil {
			v.fields[field].overridden = true
		}
	}
	sdl := cfg.SDL
	if !cfg.Monolith {
		sdl += definitions + s.entry(doc)
	}
	if s.engine, err = gql.New(cfg.Name, sdl, s.resolvers(doc), s.sources(doc), typeOf); err != nil {
		return nil, fmt.Errorf("subgraph %s: %w", cfg.Name, err)
	}
	return s, nil
}

// view reads the directives of a type.
func (s *Subgraph) view(d *ast.Definition) error {
	v := &typeView{name: d.Name, known: map[string]bool{}, blurs: d.Directives.ForName("interfaceObject") != nil, fields: map[string]*fieldView{}}
	s.types[d.Name] = v
	for _, k := range d.Directives.ForNames("key") {
		sel, err := parseSelection(k.Arguments.ForName("fields").Value.Raw)
		if err != nil {
			return err
		}
		for _, f := range sel.set {
			if f, ok := f.(*ast.Field); ok {
				v.known[f.Name] = true
			}
		}
		if r := k.Arguments.ForName("resolvable"); r == nil || r.Value.Raw == "true" {
			v.keys = append(v.keys, sel)
		}
	}
	for _, def := range d.Fields {
		f := &fieldView{external: def.Directives.ForName("external") != nil}
		v.fields[def.Name] = f
		for name, into := range map[string]**selection{"requires": &f.requires, "provides": &f.provides} {
			if x := def.Directives.ForName(name); x != nil {
				sel, err := parseSelection(x.Arguments.ForName("fields").Value.Raw)
				if err != nil {
					return err
				}
				*into = sel
			}
		}
	}
	return nil
}

// entry is the part of the schema that a router asks by.
func (s *Subgraph) entry(doc *ast.SchemaDocument) string {
	var entities []string
	for _, d := range doc.Definitions {
		if d.Kind == ast.Object && d.Directives.ForName("key") != nil {
			entities = append(entities, d.Name)
		}
	}
	head := "type"
	if doc.Definitions.ForName("Query") != nil {
		head = "extend type"
	}
	if len(entities) == 0 {
		return head + " Query { _service: String }"
	}
	return "scalar _Any union _Entity = " + strings.Join(entities, " | ") + " " + head + " Query { _service: String _entities(representations: [_Any!]!): [_Entity]! }"
}

// sources tell of the rows of Subscription, one after another.
func (s *Subgraph) sources(doc *ast.SchemaDocument) map[string]gql.Source {
	d := doc.Definitions.ForName("Subscription")
	if d == nil {
		return nil
	}
	out := map[string]gql.Source{}
	for _, f := range d.Fields {
		out[f.Name] = func(context.Context, *gql.Call) (<-chan any, error) {
			rows := s.data.Rows[d.Name]
			events := make(chan any, len(rows))
			for _, r := range rows {
				events <- &object{row: r}
			}
			close(events)
			return events, nil
		}
	}
	return out
}

func (s *Subgraph) resolvers(doc *ast.SchemaDocument) gql.Resolvers {
	out := gql.Resolvers{"Query": {
		"_service":  func(context.Context, *gql.Call) (any, error) { return nil, nil },
		"_entities": s.entities,
	}}
	for _, d := range doc.Definitions {
		if d.Kind != ast.Object {
			continue
		}
		if out[d.Name] == nil {
			out[d.Name] = map[string]gql.Resolver{}
		}
		for _, def := range d.Fields {
			out[d.Name][def.Name] = s.resolver(s.types[d.Name], def.Name)
		}
	}
	return out
}

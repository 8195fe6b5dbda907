package planner

import (
	"path"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// federation brings the schema of an Apollo Federation subgraph into the form in which it is served: directives imported under another
// name get the name they are known by, those that only a @link announces are defined, and the fields that the subgraph answers for its
// router are added (Apollo Federation subgraph specification).
type federation struct {
	doc      *ast.SchemaDocument
	names    map[string]string // directive as written: as it is known
	spaces   map[string]bool   // namespaces: link, federation
	imported map[string]bool   // directives that an import names, as written
	subgraph bool
}

func federate(doc *ast.SchemaDocument, known ast.DirectiveDefinitionList) {
	f := federation{doc: doc, names: map[string]string{}, spaces: map[string]bool{}, imported: map[string]bool{}}
	for _, list := range []ast.SchemaDefinitionList{doc.Schema, doc.SchemaExtension} {
		for _, d := range list {
			f.links(d.Directives)
		}
	}
	everyDirective(doc, func(d *ast.Directive, _ ast.DirectiveLocation) { f.rename(d, known) })
	f.announce(known)
	if f.subgraph {
		f.serve()
	}
}

// links reads the @link directives of a schema definition.
func (f *federation) links(list ast.DirectiveList) {
	for _, d := range list {
		if d.Name != "link" {
			continue
		}
		url := d.Arguments.ForName("url")
		if url == nil || url.Value == nil {
			continue
		}
		name := path.Base(path.Dir(url.Value.Raw)) // …/federation/v2.3
		if as := d.Arguments.ForName("as"); as != nil && as.Value != nil {
			name = as.Value.Raw
		}
		f.spaces[name] = true
		f.subgraph = f.subgraph || strings.Contains(url.Value.Raw, "specs.apollo.dev/federation")
		if imports := d.Arguments.ForName("import"); imports != nil && imports.Value != nil {
			f.imports(imports.Value)
		}
	}
}

func (f *federation) imports(v *ast.Value) {
	for _, child := range v.Children {
		name, as := child.Value.Raw, ""
		if child.Value.Kind == ast.ObjectValue {
			if n := child.Value.Children.ForName("name"); n != nil {
				name = n.Raw
			}
			if a := child.Value.Children.ForName("as"); a != nil {
				as = a.Raw
			}
		}
		name, directive := strings.CutPrefix(name, "@")
		if as = strings.TrimPrefix(as, "@"); as == "" {
			as = name
		}
		if directive {
			f.names[as] = name
			f.imported[as] = true
		}
	}
}

// rename gives a directive that came under a name of its own the one it is known by.
func (f *federation) rename(d *ast.Directive, known ast.DirectiveDefinitionList) {
	name, own := f.names[d.Name]
	if !own {
		if space, rest, ok := strings.Cut(d.Name, "__"); ok && f.spaces[space] {
			name = rest
		} else {
			name = d.Name
		}
	}
	if name != d.Name && known.ForName(name) != nil && f.doc.Directives.ForName(name) == nil {
		d.Name = name
	}
	f.subgraph = f.subgraph || d.Name == "key"
}

// announce defines the directives that are used, known from a @link alone, and defined nowhere.
func (f *federation) announce(known ast.DirectiveDefinitionList) {
	everyDirective(f.doc, func(d *ast.Directive, at ast.DirectiveLocation) {
		space, _, spaced := strings.Cut(d.Name, "__")
		linked := f.imported[d.Name] || f.spaces[d.Name] || spaced && f.spaces[space]
		if !linked || known.ForName(d.Name) != nil {
			return
		}
		def := f.doc.Directives.ForName(d.Name)
		if def == nil {
			def = &ast.DirectiveDefinition{Name: d.Name, IsRepeatable: true, Position: d.Position, Description: announced}
			f.doc.Directives = append(f.doc.Directives, def)
		}
		if def.Description != announced {
			return
		}
		def.Locations = append(def.Locations, at)
		for _, a := range d.Arguments {
			if def.Arguments.ForName(a.Name) == nil {
				def.Arguments = append(def.Arguments, &ast.ArgumentDefinition{Name: a.Name, Type: ast.NamedType("weir_Any", d.Position), Position: d.Position})
			}
		}
	})
}

// announced marks definitions made by announce.
const announced = "Known from a @link."

// serve adds what a subgraph answers for its router, as far as the schema does not have it.
func (f *federation) serve() {
	at := &ast.Position{Line: 1, Column: 1, Src: &ast.Source{Name: "prelude"}}
	query := &ast.Definition{Kind: ast.Object, Name: f.queryType(), Position: at}
	field := func(d *ast.FieldDefinition) {
		if !f.hasField(query.Name, d.Name) {
			query.Fields = append(query.Fields, d)
		}
	}
	f.define(&ast.Definition{
		Kind: ast.Object, Name: "_Service", Position: at,
		Fields: ast.FieldList{{Name: "sdl", Type: ast.NamedType("String", at), Position: at}},
	})
	field(&ast.FieldDefinition{Name: "_service", Type: ast.NonNullNamedType("_Service", at), Position: at})
	if entities := f.entities(); len(entities) > 0 {
		f.define(&ast.Definition{Kind: ast.Scalar, Name: "_Any", Position: at})
		f.define(&ast.Definition{Kind: ast.Union, Name: "_Entity", Types: entities, Position: at})
		field(&ast.FieldDefinition{
			Name: document.EntitiesField, Type: ast.NonNullListType(ast.NamedType("_Entity", at), at), Position: at,
			Arguments: ast.ArgumentDefinitionList{{Name: "representations", Type: ast.NonNullListType(ast.NonNullNamedType("_Any", at), at), Position: at}},
		})
	}
	if len(query.Fields) > 0 {
		f.doc.Extensions = append(f.doc.Extensions, query)
	}
}

func (f *federation) define(d *ast.Definition) {
	if f.doc.Definitions.ForName(d.Name) == nil {
		f.doc.Definitions = append(f.doc.Definitions, d)
	}
}

func (f *federation) hasField(typ, name string) bool {
	for _, list := range []ast.DefinitionList{f.doc.Definitions, f.doc.Extensions} {
		for _, d := range list {
			if d.Name == typ && d.Fields.ForName(name) != nil {
				return true
			}
		}
	}
	return false
}

// entities lists the object types with a key that the router may ask by.
func (f *federation) entities() []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range []ast.DefinitionList{f.doc.Definitions, f.doc.Extensions} {
		for _, d := range list {
			if d.Kind != ast.Object || seen[d.Name] {
				continue
			}
			for _, key := range d.Directives.ForNames("key") {
				if a := key.Arguments.ForName("resolvable"); a == nil || a.Value == nil || a.Value.Raw != "false" {
					seen[d.Name] = true
				}
			}
			if seen[d.Name] {
				out = append(out, d.Name)
			}
		}
	}
	return out
}

func (f *federation) queryType() string {
	for _, list := range []ast.SchemaDefinitionList{f.doc.Schema, f.doc.SchemaExtension} {
		for _, d := range list {
			for _, t := range d.OperationTypes {
				if t.Operation == ast.Query {
					return t.Type
				}
			}
		}
	}
	return "Query"
}

// everyDirective visits each use of a directive in a schema document.
func everyDirective(doc *ast.SchemaDocument, visit func(*ast.Directive, ast.DirectiveLocation)) {
	all := func(list ast.DirectiveList, at ast.DirectiveLocation) {
		for _, d := range list {
			visit(d, at)
		}
	}
	for _, list := range []ast.SchemaDefinitionList{doc.Schema, doc.SchemaExtension} {
		for _, d := range list {
			all(d.Directives, ast.LocationSchema)
		}
	}
	for _, list := range []ast.DefinitionList{doc.Definitions, doc.Extensions} {
		for _, d := range list {
			all(d.Directives, ast.DirectiveLocation(d.Kind))
			at := ast.LocationFieldDefinition
			if d.Kind == ast.InputObject {
				at = ast.LocationInputFieldDefinition
			}
			for _, f := range d.Fields {
				all(f.Directives, at)
				for _, a := range f.Arguments {
					all(a.Directives, ast.LocationArgumentDefinition)
				}
			}
			for _, v := range d.EnumValues {
				all(v.Directives, ast.LocationEnumValue)
			}
		}
	}
	for _, d := range doc.Directives {
		for _, a := range d.Arguments {
			all(a.Directives, ast.LocationArgumentDefinition)
		}
	}
}

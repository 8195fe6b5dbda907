package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// document is the GraphQL of an operation.
type document struct {
	text string
	name string // of the operation in it
	kind string
	// variables that it declares: true when it cannot do without a value. nil: not known.
	variables map[string]bool
}

// document reads the GraphQL that a part of the file gives inline or by the name of a file, and parses it unless its kind is stated.
func (c *compiler) document(n *node, path, inline, file, operation, kind string) (d document, ok bool) {
	at := n.at("document")
	place, name := at, "" // name is that of a file of its own
	d.text = inline
	switch {
	case inline != "" && file != "":
		c.badf(n.at("file"), path+".file", "document and file are two ways to give one; keep one")
		return d, false
	case file != "":
		text, err := c.readFile(file)
		if err == nil && len(text) > maxDocument {
			err = fmt.Errorf("%s has %d bytes, the maximum of a document is %d", file, len(text), maxDocument)
		}
		if err != nil {
			c.badf(n.at("file"), path+".file", "%v", err)
			return d, false
		}
		d.text, name, path, place = string(text), file, path+".file", n.at("file")
	default:
		path += ".document"
	}
	if d.text == "" {
		c.badf(at, path, "is missing or empty; write document: \"query Name { … }\" or file: FILE.graphql")
		return d, false
	}
	if kind != "" {
		d.kind, d.name = kind, operation
		return d, true
	}
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: d.text}, maxTokens)
	if err != nil {
		c.graphql(place, path, name, err)
		return d, false
	}
	return d, c.chooseOperation(&d, n, place, path, operation, parsed)
}

// graphql tells a mistake in a document at its own place: within the literal block, or in the file of its own.
func (c *compiler) graphql(place *node, path, file string, err error) {
	p := Problem{File: c.name, Line: place.line, Column: place.column, Path: path, Message: err.Error()}
	var g *gqlerror.Error
	if errors.As(err, &g) && len(g.Locations) > 0 {
		l := g.Locations[0]
		p.Message = fmt.Sprintf("the GraphQL is wrong: %s (line %d, column %d of it)", g.Message, l.Line, l.Column)
		switch {
		case file != "":
			p.File, p.Line, p.Column, p.Path, p.Message = file, l.Line, l.Column, "", "the GraphQL is wrong: "+g.Message
		case place.block:
			p.Line += l.Line
			p.Column = l.Column + place.indent
		case l.Line == 1:
			p.Column += l.Column - 1
		}
	}
	p.Message += "; correct it, or state kind: to send it as it is"
	c.problems = append(c.problems, p)
}

// chooseOperation finds the operation that is meant.
func (c *compiler) chooseOperation(d *document, n, place *node, path, name string, parsed *ast.QueryDocument) bool {
	var names []string
	for _, o := range parsed.Operations {
		names = append(names, o.Name)
	}
	var o *ast.OperationDefinition
	switch {
	case len(parsed.Operations) == 0:
		c.badf(place, path, "has no operation; write query Name { … }")
		return false
	case name == "" && len(parsed.Operations) > 1:
		c.badf(place, path, "has %d operations; say which one by operation: %s", len(names), names[0])
		return false
	case name == "":
		o = parsed.Operations[0]
	default:
		if o = parsed.Operations.ForName(name); o == nil || o.Name != name {
			c.badf(n.at("operation"), path, "has no operation %.40q; %s", name, nearest(name, names))
			return false
		}
	}
	d.kind, d.name, d.variables = string(o.Operation), o.Name, map[string]bool{}
	for _, v := range o.VariableDefinitions {
		d.variables[v.Variable] = v.Type != nil && v.Type.NonNull && v.DefaultValue == nil
	}
	return true
}

// declared compares the variables that are given with those the document declares.
func (c *compiler) declared(d *document, given Pairs, n *node, path string) {
	if d.variables == nil {
		return
	}
	var names, missing []string
	for v, needed := range d.variables {
		names = append(names, v)
		if needed && !slices.ContainsFunc(given, func(p Pair) bool { return p.Key.text == v }) {
			missing = append(missing, v)
		}
	}
	sort.Strings(names)
	sort.Strings(missing)
	for _, p := range given {
		if _, ok := d.variables[p.Key.text]; !ok {
			c.badf(p.Key, path+".variables."+p.Key.text, "the document declares no $%.40s; %s", p.Key.text, nearest(p.Key.text, names))
		}
	}
	for _, v := range missing {
		c.badf(n.at("variables"), path+".variables", "the document needs $%s; give it a value", v)
	}
}

// manifest knows the ids of trusted documents.
type manifest struct{ byName, byText map[string]string }

// manifest reads Apollo's persisted query manifest, or an object of id to document.
func (c *compiler) manifest() *manifest {
	f := c.file
	m := &manifest{map[string]string{}, map[string]string{}}
	if f.Manifest == "" {
		return m
	}
	data, err := c.readFile(f.Manifest)
	if err != nil {
		c.badf(f.n.at("manifest"), "manifest", "%v", err)
		return m
	}
	var apollo struct {
		Format     string
		Operations []struct{ ID, Name, Body string }
	}
	if json.Unmarshal(data, &apollo) == nil && apollo.Format != "" {
		for _, o := range apollo.Operations {
			m.byName[o.Name], m.byText[o.Body] = o.ID, o.ID
		}
		return m
	}
	var plain map[string]string
	if err := json.Unmarshal(data, &plain); err != nil {
		c.badf(f.n.at("manifest"), "manifest", "%s is neither Apollo's manifest ({\"format\": \"apollo-persisted-query-manifest\", …}) nor {\"ID\": \"document\", …}: %v", f.Manifest, err)
		return m
	}
	for id, text := range plain {
		m.byText[text] = id
		if parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, maxTokens); err == nil && len(parsed.Operations) == 1 {
			m.byName[parsed.Operations[0].Name] = id
		}
	}
	return m
}

// id of a document, "" when the manifest has none: then its hash is the id.
func (m *manifest) id(d *document) string {
	if id := m.byText[d.text]; id != "" {
		return id
	}
	if d.name != "" {
		return m.byName[d.name]
	}
	return ""
}

package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/zeebo/xxh3"
)

// execution answers a document from data that follow from where they stand: the same field of the same object is always the same, whatever
// else is asked.
type execution struct {
	schema *ast.Schema
	doc    *ast.QueryDocument
	out    bytes.Buffer
}

func execute(t *testing.T, s *Schema, document string, seed uint64) string {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: document})
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	e := execution{schema: s.ast, doc: doc}
	e.out.WriteString(`{"data":`)
	e.object(s.ast.Query, doc.Operations[0].SelectionSet, seed)
	e.out.WriteString(`,"extensions":{"__weir_t":1}}`)
	return e.out.String()
}

type grouped struct {
	key    string
	fields []*ast.Field
}

func (e *execution) collect(t *ast.Definition, set ast.SelectionSet, out []grouped) []grouped {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if e.skipped(s.Directives) {
				continue
			}
			key, found := s.Alias, false
			if key == "" {
				key = s.Name
			}
			for i := range out {
				if out[i].key == key {
					out[i].fields, found = append(out[i].fields, s), true
				}
			}
			if !found {
				out = append(out, grouped{key, []*ast.Field{s}})
			}
		case *ast.InlineFragment:
			if !e.skipped(s.Directives) && e.applies(s.TypeCondition, t) {
				out = e.collect(t, s.SelectionSet, out)
			}
		case *ast.FragmentSpread:
			if f := e.doc.Fragments.ForName(s.Name); !e.skipped(s.Directives) && e.applies(f.TypeCondition, t) {
				out = e.collect(t, f.SelectionSet, out)
			}
		}
	}
	return out
}

// skipped obeys literals; variables count as true.
func (e *execution) skipped(list ast.DirectiveList) bool {
	for _, d := range list {
		if a := d.Arguments.ForName("if"); a != nil && (d.Name == "skip") == (a.Value.Raw != "false") && (d.Name == "skip" || d.Name == "include") {
			return true
		}
	}
	return false
}

func (e *execution) applies(condition string, t *ast.Definition) bool {
	if condition == "" || condition == t.Name {
		return true
	}
	for _, p := range e.schema.GetPossibleTypes(e.schema.Types[condition]) {
		if p.Name == t.Name {
			return true
		}
	}
	return false
}

func (e *execution) object(t *ast.Definition, set ast.SelectionSet, id uint64) {
	e.out.WriteByte('{')
	for i, g := range e.collect(t, set, nil) {
		if i > 0 {
			e.out.WriteByte(',')
		}
		fmt.Fprintf(&e.out, "%q:", g.key)
		f := g.fields[0]
		if f.Name == "__typename" {
			fmt.Fprintf(&e.out, "%q", t.Name)
			continue
		}
		def := t.Fields.ForName(f.Name)
		if def == nil { // introspection
			e.out.WriteString("null")
			continue
		}
		var under ast.SelectionSet
		for _, f := range g.fields {
			under = append(under, f.SelectionSet...)
		}
		e.value(def.Type, under, xxh3.HashString(fmt.Sprint(id, f.Name, len(f.Arguments))))
	}
	e.out.WriteByte('}')
}

func (e *execution) value(t *ast.Type, set ast.SelectionSet, id uint64) {
	switch d := e.schema.Types[t.Name()]; {
	case !t.NonNull && id%7 == 0:
		e.out.WriteString("null")
	case t.Elem != nil:
		e.out.WriteByte('[')
		for i := range id % 4 {
			if i > 0 {
				e.out.WriteByte(',')
			}
			e.value(t.Elem, set, xxh3.HashString(fmt.Sprint(id, i)))
		}
		e.out.WriteByte(']')
	case d.Kind == ast.Object:
		e.object(d, set, id)
	case d.Kind == ast.Interface || d.Kind == ast.Union:
		possible := e.schema.GetPossibleTypes(d)
		e.object(possible[id/7%uint64(len(possible))], set, id)
	case d.Name == "Int" || d.Name == "ID" && id%2 == 0:
		fmt.Fprint(&e.out, id%1000)
	case d.Name == "Float":
		fmt.Fprint(&e.out, float64(id%1000)/8)
	case d.Name == "Boolean":
		fmt.Fprint(&e.out, id%2 == 0)
	default:
		fmt.Fprintf(&e.out, `"t\"%d,{}"`, id%1000)
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// With and without the injected keys a client gets the same bytes, for many documents with fragments, aliases, lists, unions and nulls.
func TestInjectedKeysLeaveNoTrace(t *testing.T) {
	s := world(t)
	g := documents{r: rand.New(rand.NewPCG(11, 17)), schema: s.ast}
	injected, vague, left := 0, 0, 0
	for range 4000 {
		document := g.document()
		p := Build(s, document, "", Options{InjectKeys: true, Limits: Limits{Depth: 100, Tokens: 1 << 20}})
		if p.Injected() == "" || len(p.Errors()) > 0 {
			continue
		}
		injected++
		if q := Build(s, p.Injected(), "", Options{}); len(q.Errors()) > 0 {
			t.Fatalf("%s\nbecomes\n%s\n%v", document, p.Injected(), q.Errors())
		}
		seed := g.r.Uint64()
		want := execute(t, s, p.Canonical(), seed)
		answer := execute(t, s, p.Injected(), seed)
		for _, style := range []func(string) string{func(s string) string { return s }, func(s string) string { return indented(t, s) }} {
			got, ok := p.StripInjected(nil, []byte(style(answer)))
			if !ok || string(got) != style(want) {
				t.Fatalf("%s\nbecomes\n%s\nanswer %s\ngot    %s\nwant   %s", document, p.Injected(), answer, got, want)
			}
		}
		var plain, exact Tags
		f := p.Inspect([]byte(want), &plain)
		if e := p.InspectInjected([]byte(answer), &exact); !e.Readable || e.Negative != f.Negative {
			t.Fatalf("%s: %+v, without keys %+v", p.Injected(), e, f)
		}
		vague += strings.Count(list(&plain), ":?")
		left += strings.Count(list(&exact), ":?")
	}
	t.Logf("%d operations got keys; %d tags of answers with entities that nobody can tell became %d", injected, vague, left)
	if injected < 500 || left*4 > vague {
		t.Errorf("only %d operations got keys", injected)
	}
}

func TestInjectedKeysGiveTags(t *testing.T) {
	s := world(t)
	for document, want := range map[string]string{
		`{ city(id: 5) { name } }`:                           `query{city(id:5){name,__weir_id_ID_:id}}`,
		`{ city(id: 5) { name id } }`:                        "",
		`{ city(id: 5) { x: id } }`:                          "",
		`{ city(id: 5) { name id @include(if: true) } }`:     `query{city(id:5){name,id@include(if:true),__weir_id_ID_:id}}`,
		`mutation { renameCity(id: 5, name: "x") { name } }`: "",
		`{ __weir_x: city(id: 5) { name } }`:                 "",
		`{ now }`:                                            "",
	} {
		p := Build(s, document, "", Options{InjectKeys: true})
		if p.Injected() != want {
			t.Errorf("%s: %q, want %q %v", document, p.Injected(), want, p.Errors())
		}
		if Build(s, document, "", Options{}).Injected() != "" {
			t.Errorf("%s: keys without being asked for", document)
		}
	}
	// An entity whose tag needs the key can be cached only with it.
	if with, without := Build(s, `{ city(id: 5) { name } }`, "", Options{InjectKeys: true, DefaultMaxAge: 5}), Build(s, `{ city(id: 5) { name } }`, "", Options{DefaultMaxAge: 5}); !with.Cache().Cacheable || without.Cache().Cacheable {
		t.Errorf("with keys %+v, without %+v", with.Cache(), without.Cache())
	}
	p := Build(s, `{ city(id: 5) { name } }`, "", Options{InjectKeys: true})
	var tags Tags
	if f := p.InspectInjected([]byte(`{"data":{"city":{"name":"a","__weir_id_ID_":"5"}}}`), &tags); !f.Readable || !strings.Contains(list(&tags), "City:5 ") || strings.Contains(list(&tags), "City:?") {
		t.Errorf("%+v %s", f, list(&tags))
	}
}

func TestInjectedRequest(t *testing.T) {
	p := Build(world(t), `{ city(id: "5") { name } }`, "", Options{InjectKeys: true})
	for body, want := range map[string]string{
		`{"a":1,"query":"{ city(id: \"5\") { name } }" , "variables":{"b":"c"}}`:                         `{"a":1,"query":"query{city(id:\"5\"){name,__weir_id_ID_:id}}" , "variables":{"b":"c"}}`,
		`{"query":"x","variables":{"json":{"__weir_t":1}}}`:                                              "refused",
		` { "extensions" : {"persistedQuery":{"version":1,"sha256Hash":"ab"}}, "variables":{} }`:         ` {"query":"query{city(id:\"5\"){name,__weir_id_ID_:id}}", "extensions" : {}, "variables":{} }`,
		`{"extensions":{"a":{"persistedQuery":1}, "persistedQuery":{"version":1} ,"b":[2]},"query":"x"}`: `{"extensions":{"a":{"persistedQuery":1},"b":[2]},"query":"query{city(id:\"5\"){name,__weir_id_ID_:id}}"}`,
		`{"extensions":{"persistedQuery":{"version":1}},"query":null}`:                                   `{"extensions":{},"query":"query{city(id:\"5\"){name,__weir_id_ID_:id}}"}`,
		`{"extensions":{"tracing":true}}`:                                                                "refused",
		`{"variables":{"query":"x"}}`:                                                                    "refused",
		`{"query":"x"`:                                                                                   "refused",
		`[]`:                                                                                             "refused",
	} {
		got, ok := p.AppendInjectedRequest(nil, []byte(body))
		if !ok {
			got = []byte("refused")
		}
		if string(got) != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func FuzzStripInjected(f *testing.F) {
	s, err := ParseSchema("s", `type Query { a: A n: N } interface N { id: ID } type A implements N { id: ID b: [A] s: String }`)
	if err != nil {
		f.Fatal(err)
	}
	p := Build(s, `{ a { s b { s } } n { ... on A { s } } }`, "", Options{InjectKeys: true})
	f.Add([]byte(`{"data":{"a":{"s":"x","b":[{"s":null,"__weir_id_ID":"1"}],"__weir_id_ID":5},"n":{"__weir_id_ID":1,"__weir_t":"A"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		out, ok := p.StripInjected(nil, body)
		if !ok {
			return
		}
		if json.Valid(body) && !json.Valid(out) {
			t.Errorf("%s becomes %s", body, out)
		}
		again, ok := p.StripInjected(nil, out)
		if !ok || !bytes.Equal(again, out) {
			t.Errorf("%s becomes %s and then %s", body, out, again)
		}
	})
}

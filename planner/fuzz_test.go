package planner

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzBuild looks for documents that break building, and for canonical forms that are not their own canonical form.
func FuzzBuild(f *testing.F) {
	for _, document := range handmade {
		f.Add(document, "")
	}
	f.Add("query A($id: ID!) { city(id: $id) { ...F @skip(if: false) } } fragment F on City { id, name mayor { age } } # end", "A")
	f.Add("mutation M { addCity(in: {and: [{units: METRIC}], since: \"\"\"x\"\"\"}) { id } } query B { now }", "M")
	f.Add(chain("Query", "now", 5, 2), "")
	s := world(f)
	f.Fuzz(func(t *testing.T, document, operation string) {
		for _, schema := range []*Schema{s, nil} {
			p := Build(schema, document, operation, Options{})
			if p.failed {
				t.Fatal("building panicked")
			}
			if len(p.Errors()) > DefaultMaxErrors || p.Measures().Tokens > DefaultLimits().Tokens+1 {
				t.Fatalf("%d errors, %+v", len(p.Errors()), p.Measures())
			}
			for _, e := range p.Errors() {
				if e.Message == "" || e.Code == "" || !utf8.ValidString(e.Message) {
					t.Fatalf("error %+v", e)
				}
			}
			if !p.analysed || len(p.Errors()) > 0 {
				continue
			}
			again := Build(schema, p.Canonical(), operation, Options{})
			if again.Canonical() != p.Canonical() || len(again.Errors()) > 0 {
				t.Fatalf("%q\n%q\n%v", p.Canonical(), again.Canonical(), again.Errors())
			}
			exercise(t, p)
		}
	})
}

// exercise uses a plan as requests do.
func exercise(t *testing.T, p *Plan) {
	var v Values
	var tags Tags
	if errs := p.Coerce(nil, &v); errs == nil {
		if p.Cost(&v).Points() < 1 {
			t.Fatal("a cost below 1")
		}
		p.AppendQueryTags(&v, &tags)
	}
	p.Inspect([]byte(`{"data":{"city":{"id":"1"},"now":null,"node":{"__typename":"City","id":2}}}`), &tags)
	p.InspectMutation([]byte(`{"data":{"addCity":{"id":"1"}}}`), &tags)
	p.AppendTypeTags(&tags)
	if _, err := json.Marshal(p.Describe(nil)); err != nil {
		t.Fatal(err)
	}
}

// FuzzCoerce looks for variables that break coercion, are accepted though they are not JSON, or are not stable.
func FuzzCoerce(f *testing.F) {
	for _, variables := range []string{
		``, `null`, `{}`, `{"id":1}`, `{"id":"\u0041","f":{"population":{"max":5},"and":[{"name":"x"}],"since":{"b":[1,2.50],"a":null}}}`, `{"by":{"id":1,"name":null}}`,
		`{"n":1e3,"x":-0.0,"by":{"code":3.0}}`, `{"u":["METRIC"],"grid":[[1],2,[null]]}`, `{"id":1,"\u0069d":2}`, `{"any":{"z":{"y":[{}]}}}`,
	} {
		f.Add([]byte(variables))
	}
	s := world(f)
	document := `query ($id: ID, $n: Int = 3, $x: Float, $by: By, $f: CityFilter, $u: [Unit!], $grid: [[Int]], $any: Date) {
		city(id: "1") { area(unit: METRIC) } cities(first: $n, ids: [], filter: {and: [{name: "x", units: $u, since: [$any, $id]}]}) { id }
		sum(a: 1, b: $x, grid: $grid) c: country(by: {id: 1}) { cities(filter: $f) { total } } }`
	p := Build(s, document, "", Options{})
	free := Build(nil, document, "", Options{})
	unknown := Build(nil, "{", "", Options{})
	f.Fuzz(func(t *testing.T, variables []byte) {
		for _, p := range []*Plan{p, free, unknown} {
			var v, again Values
			if errs := p.Coerce(variables, &v); errs != nil {
				if len(v.Canonical) != 0 || errs[0].Message == "" {
					t.Fatalf("%+v with %q", errs, v.Canonical)
				}
				continue
			}
			if len(variables) > 0 && !json.Valid(variables) && len(trimmed(variables)) > 0 {
				t.Fatalf("accepted %q", variables)
			}
			if errs := p.Coerce(variables, &again); errs != nil || string(again.Canonical) != string(v.Canonical) {
				t.Fatal("not stable")
			}
			var tags Tags
			p.Cost(&v)
			p.AppendQueryTags(&v, &tags)
			if string(again.Canonical) != string(v.Canonical) {
				t.Fatal("reading changed the values")
			}
		}
	})
}

func trimmed(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// FuzzInspect looks for responses that break the walk, or that it calls readable though they are not JSON.
func FuzzInspect(f *testing.F) {
	for _, body := range []string{
		`{"data":{"city":{"id":"5","name":"a","country":{"id":"c1","cities":{"nodes":[{"id":"6"}]}}},"search":[{"__typename":"City","id":"9"},{"__typename":"Robot"}],"node":null}}`,
		`{"data":null,"errors":[{"message":"x"}]}`, `{"errors":[],"data":{}}`, `{"data":{"city":{"id":"\u0035"}}}`, `{"data":{"search":[[]]}}`, `[]`, `{"data":{"city":5}}`, `{"hasNext":true}`,
	} {
		f.Add([]byte(body))
	}
	s := world(f)
	query := Build(s, `{ city(id: 1) { id name country { id cities { nodes { id } } } } search(text: "x") { __typename ... on City { id } ... on Person { id } } node(id: 1) { id } }`, "", Options{})
	mutation := Build(s, `mutation { city: renameCity(id: 1, name: "x") { id country { id } } removeCity(id: 1) }`, "", Options{})
	free := Build(nil, `{ a }`, "", Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range []*Plan{query, mutation, free} {
			var tags Tags
			var facts Facts
			if p == mutation {
				facts = p.InspectMutation(body, &tags)
				if !facts.Readable && tags.Len() == 0 {
					t.Fatal("a mutation whose answer cannot be read invalidates nothing")
				}
			} else {
				facts = p.Inspect(body, &tags)
			}
			if facts.Readable && !json.Valid(body) {
				t.Fatalf("readable: %q", body)
			}
			for i := range tags.Len() {
				if len(tags.At(i)) == 0 || len(tags.At(i)) > 512 {
					t.Fatalf("tag %q", tags.At(i))
				}
			}
		}
	})
}

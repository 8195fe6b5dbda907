package planner

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDescribe(t *testing.T) {
	p := Build(world(t), `query Q($id: ID!) { city(id: $id) { id name mayor { name } } }`, "", Options{})
	text, err := json.Marshal(p.Describe([]byte(`{"id":7}`)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"operation":"Q","kind":"query","hash":"` + p.HashHex() + `","canonical":"query Q($id:ID!){city(id:$id){id,name,mayor{name}}}","schema":true,"valid":true,` +
		`"measures":{"tokens":26,"depth":3,"aliases":0,"rootFields":1,"directives":0,"expandedFields":5,"variablesDepth":0},` +
		`"limits":{"tokens":10000,"depth":50,"aliases":200,"rootFields":100,"directives":100,"expandedFields":20000,"variablesDepth":32},` +
		`"introspects":false,"incremental":false,"cache":{"cacheable":true,"maxAge":5,"private":true,"hinted":true,"reason":"`
	if !strings.HasPrefix(string(text), want) {
		t.Errorf("%s\nwant %s", text, want)
	}
	if !strings.Contains(string(text), `"path":"city.mayor"`) || !strings.Contains(string(text), `"points":`) || !strings.Contains(string(text), `"city-7","City","Person"]`) {
		t.Errorf("%s", text)
	}
}

func TestDescribeSaysWhatIsMissing(t *testing.T) {
	s := world(t)
	for _, tc := range []struct {
		schema                           *Schema
		document, variables, cost, cache string
		valid                            bool
		variableErrors                   int
	}{
		{nil, "{ now }", "", "no schema is known", "no schema is known", true, 0},
		{s, "{ nope }", "", "the document is not valid", "the document is not valid", false, 0},
		{s, "{", "", "the document is not valid", "the operation is not known", false, 0},
		{s, "query ($id: ID!) { city(id: $id) { id } }", "", "the variables are not valid", "maxAge 60", true, 1},
		{s, "mutation { removeCity(id: 1) }", "", "", "a mutation is never cached", true, 0},
	} {
		d := tc.schema
		got := Build(d, tc.document, "", Options{}).Describe([]byte(tc.variables))
		if got.Cost.Reason != tc.cost || !strings.HasPrefix(got.Cache.Reason, tc.cache) || got.Valid != tc.valid || len(got.Variables) != tc.variableErrors || got.Valid != (len(got.Errors) == 0) {
			t.Errorf("%s: %+v", tc.document, got)
		}
	}
	if got := Build(s, "{ now now }", "", Options{Limits: Limits{Tokens: 3}}).Describe(nil); got.Valid || got.Cost.Reason != "the document is too large" {
		t.Errorf("beyond the tokens: %+v", got)
	}
	got := Build(s, `mutation { renameCity(id: 1, name: "x") { country { id } } }`, "", Options{}).Describe(nil)
	if strings.Join(got.Tags, " ") != "City Country" {
		t.Errorf("%v", got.Tags)
	}
}

func TestValuesCanBeCopied(t *testing.T) {
	p := Build(world(t), `query Q($id: ID!) { city(id: $id) { name } }`, "", Options{})
	var v, copied Values
	var a, b Tags
	if errs := p.Coerce([]byte(`{"id":7}`), &v); errs != nil {
		t.Fatal(errs)
	}
	copied.CopyFrom(&v)
	p.AppendQueryTags(&v, &a)
	if errs := p.Coerce([]byte(`{"id":8}`), &v); errs != nil {
		t.Fatal(errs)
	}
	p.AppendQueryTags(&copied, &b)
	if list(&a) != list(&b) {
		t.Errorf("%s, of the copy %s", list(&a), list(&b))
	}
}

package planner

import (
	"slices"
	"strings"
	"testing"
)

func TestKindNameAndChoice(t *testing.T) {
	s := world(t)
	for _, tc := range []struct {
		document, operation string
		kind                Kind
		name, code          string
	}{
		{"{ now }", "", KindQuery, "", ""},
		{"query A { now }", "", KindQuery, "A", ""},
		{"query A { now }", "A", KindQuery, "A", ""},
		{"query A { now } mutation B { removeCity(id: 1) }", "B", KindMutation, "B", ""},
		{"subscription S { tick }", "", KindSubscription, "S", ""},
		{"query A { now } mutation B { removeCity(id: 1) }", "", KindMutation, "B", "OPERATION_RESOLUTION_FAILURE"},
		{"query A { now }", "B", KindUnknown, "", "OPERATION_RESOLUTION_FAILURE"},
		{"fragment F on City { id }", "", KindUnknown, "", "OPERATION_RESOLUTION_FAILURE"},
		{"mutation M { removeCity(id: 1) ", "", KindMutation, "M", "GRAPHQL_PARSE_FAILED"},
		{"{ now \xff }", "", KindQuery, "", "GRAPHQL_PARSE_FAILED"},
		{`{ city(id: "\uD83D") { id } }`, "", KindQuery, "", "GRAPHQL_PARSE_FAILED"},
		{"", "", KindUnknown, "", "GRAPHQL_PARSE_FAILED"},
		{"type X { a: Int }", "", KindUnknown, "", "GRAPHQL_PARSE_FAILED"},
		{"{ nope }", "", KindQuery, "", "GRAPHQL_VALIDATION_FAILED"},
		{"query A { nope }", "", KindQuery, "A", "GRAPHQL_VALIDATION_FAILED"},
		{"{ me { name, name: id } }", "", KindQuery, "", "GRAPHQL_VALIDATION_FAILED"},
	} {
		p := Build(s, tc.document, tc.operation, Options{})
		code := ""
		if len(p.Errors()) > 0 {
			code = p.Errors()[0].Code
		}
		if p.Kind() != tc.kind || p.Name() != tc.name || code != tc.code {
			t.Errorf("%q %q: %v %q %q %v", tc.document, tc.operation, p.Kind(), p.Name(), code, p.Errors())
		}
		if tc.name == "" && p.Label() != "anonymous" || tc.name != "" && p.Label() != tc.name {
			t.Errorf("label %q", p.Label())
		}
		if p.Cache().Reason == "" || len(p.KeyPart()) != 32 || len(p.HashHex()) != 64 {
			t.Errorf("%q: %+v", tc.document, p.Cache())
		}
	}
}

func TestErrorsHavePlaces(t *testing.T) {
	s := world(t)
	for document, want := range map[string]Location{
		"{\n  now\n  nope\n}": {Line: 3, Column: 3},
		"{\n  now )\n}":       {Line: 2, Column: 7},
		"{\r\n  city(id: \"é\\uD83D\") { id }\r\n}":  {Line: 2, Column: 14},
		"query {\n# comment with é\n now nope }":     {Line: 3, Column: 6},
		"{ me { name } }\nfragment F on City { id }": {Line: 2, Column: 1},
		"{ me { a: name\n a: id } }":                 {Line: 1, Column: 8},
	} {
		errs := Build(s, document, "", Options{}).Errors()
		if len(errs) == 0 || len(errs[0].Locations) == 0 || errs[0].Locations[0] != want {
			t.Errorf("%q: %v, want %v", document, errs, want)
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	s := world(t)
	document := "{ " + strings.Repeat("nope @junk ", 2500) + "}"
	if n := len(Build(s, document, "", Options{}).Errors()); n != DefaultMaxErrors {
		t.Errorf("%d errors", n)
	}
	if n := len(Build(s, document, "", Options{MaxErrors: 3}).Errors()); n != 3 {
		t.Errorf("%d errors", n)
	}
	long := strings.Repeat("x", 5000)
	for _, e := range Build(s, `{ sum(a: "`+long+`") country(by: {`+long+`: 1}) { id } }`, "", Options{}).Errors() {
		if len(e.Message) > 300 {
			t.Errorf("a message of %d bytes", len(e.Message))
		}
	}
}

func TestNoSuggestions(t *testing.T) {
	s := world(t)
	for _, document := range []string{"{ cit { id } }", "{ city(ID: 1) { id } }", "{ city(id: 1) { area(unit: METRI) } }", "{ node(id: 1) { name } }", "query ($a: Cit) { now }", "{ city(id: 1) }"} {
		for _, e := range Build(s, document, "", Options{}).Errors() {
			if strings.Contains(e.Message, "Did you mean") {
				t.Errorf("%s: %s", document, e.Message)
			}
		}
	}
}

func TestMeasuresAndViolations(t *testing.T) {
	s := world(t)
	p := Build(s, `query Q @mark(name: "x") { a: city(id: 1) { ...C } b: city(id: 2) { ...C } now } fragment C on City { id country { capital { n: name @skip(if: false) } } }`, "", Options{})
	if m := p.Measures(); m.Depth != 4 || m.Aliases != 4 || m.RootFields != 3 || m.Directives != 3 || m.ExpandedFields != 11 || m.Tokens < 50 {
		t.Errorf("%+v", m)
	}
	if v := p.Violations(); len(v) != 0 {
		t.Error(v)
	}
	p = Build(s, `{ a: city(id: 1) { id name } b: now c: now }`, "", Options{Limits: Limits{Depth: 1, Aliases: 2, RootFields: 2, ExpandedFields: 4, Directives: 1}})
	want := []Violation{{"depth", 2, 1}, {"aliases", 3, 2}, {"root_fields", 3, 2}, {"expanded_fields", 5, 4}}
	if !slices.Equal(p.Violations(), want) || len(p.Errors()) > 0 {
		t.Errorf("%v %v", p.Violations(), p.Errors())
	}
}

func TestTooManyTokensAreNotParsed(t *testing.T) {
	s := world(t)
	p := Build(s, "query Q { now } mutation Big { "+strings.Repeat("a: removeCity(id: 1) ", 3000)+"}", "Big", Options{})
	if v := p.Violations(); len(v) != 1 || v[0] != (Violation{"tokens", 10001, 10000}) {
		t.Error(v)
	}
	if p.Kind() != KindMutation || p.Name() != "Big" || len(p.Errors()) > 0 || p.Cache().Cacheable {
		t.Errorf("%v %q %v", p.Kind(), p.Name(), p.Errors())
	}
	var v Values
	if errs := p.Coerce([]byte(`{"b":1,"a":[2]}`), &v); errs != nil {
		t.Fatal(errs)
	}
	first := string(v.Canonical)
	if errs := p.Coerce([]byte(` {"a": [2], "b": 1}`), &v); errs != nil || string(v.Canonical) != first {
		t.Errorf("%v %q", errs, v.Canonical)
	}
	if errs := p.Coerce([]byte(`{"b":2,"a":[2]}`), &v); errs != nil || string(v.Canonical) == first {
		t.Error("other variables, same canonical form")
	}
	if errs := p.Coerce([]byte(`[1]`), &v); errs == nil {
		t.Error("a list passed as variables")
	}
	var tags Tags
	p.InspectMutation([]byte(`{"data":{"a":true}}`), &tags)
	if got := list(&tags); got != "City CityPage Country Person Robot" {
		t.Errorf("a mutation that was not understood invalidates %s", got)
	}
}

func TestWithoutSchema(t *testing.T) {
	p := Build(nil, `query Q($x: [Int!]! = 3, $y: Any) { city(id: $y, n: $x) { id ...F } } fragment F on City { a @defer { b } }`, "", Options{})
	if len(p.Errors()) > 0 || p.HasSchema() || p.Kind() != KindQuery || p.Name() != "Q" || !p.Incremental() {
		t.Errorf("%v", p.Errors())
	}
	if c := p.Cache(); c.Cacheable || c.Hinted || c.Reason != "no schema is known" {
		t.Errorf("%+v", c)
	}
	var v Values
	var tags Tags
	if errs := p.Coerce([]byte(`{"y":{"b":1,"a":2},"zz":1}`), &v); errs != nil {
		t.Fatal(errs)
	}
	if c := p.Cost(&v); c.Points() != 1 {
		t.Errorf("%+v", c)
	}
	facts := p.Inspect([]byte(`{"data":{"city":null}}`), &tags)
	if !facts.Readable || !facts.Negative || tags.Len() != 0 {
		t.Errorf("%+v", facts)
	}
	p.AppendQueryTags(&v, &tags)
	if got := list(&tags); !strings.HasPrefix(got, "Query.city Query.city(") || tags.Len() != 2 {
		t.Error(got)
	}
	for document, valid := range map[string]bool{
		"query A { a } query A { b }": false, "{ ...F }": false, "{ a(x: $v) }": false, "{ a } fragment F on X { b }": false, "query ($v: Int) { a }": false, "{ ...F } fragment F on X { ...F }": false,
		"{ anything(goes: {here: [1, RED]}) @client { ...F } } fragment F on X { y }": true, "{ a b: a a: b }": true,
	} {
		if p := Build(nil, document, "", Options{}); (len(p.Errors()) == 0) != valid {
			t.Errorf("%s: %v", document, p.Errors())
		}
	}
}

func TestIntrospectsAndIncremental(t *testing.T) {
	s := world(t)
	for document, want := range map[string][2]bool{
		"{ now __typename }": {false, false}, "{ __schema { description } }": {true, false}, "{ x: __type(name: \"City\") { name } }": {true, false},
		"{ ...F } fragment F on Query { ... { __schema { description } } }": {true, false}, "{ ... @defer { now } }": {false, true}, "{ ...F @defer(label: \"x\") } fragment F on Query { now }": {false, true},
		"{ cities @stream(initialCount: 2) { id } }": {false, true}, "query A { now } query B { __schema { description } }": {false, false},
	} {
		name := ""
		if strings.HasPrefix(document, "query A") {
			name = "A"
		}
		if p := Build(s, document, name, Options{}); p.Introspects() != want[0] || p.Incremental() != want[1] || len(p.Errors()) > 0 {
			t.Errorf("%s: %v %v %v", document, p.Introspects(), p.Incremental(), p.Errors())
		}
	}
}

func TestCachePolicyOfPlans(t *testing.T) {
	s := world(t)
	for _, tc := range []struct {
		document string
		age      int
		o        Options
		want     CachePolicy
	}{
		{document: "{ city(id: 1) { id name } }", want: CachePolicy{Cacheable: true, MaxAge: 60, Hinted: true}},
		{document: "{ city(id: 1) { key: id mayor { name } } }", want: CachePolicy{Cacheable: true, MaxAge: 5, Private: true, Hinted: true}},
		{document: "{ country(by: {id: 1}) { cities { total } } }", want: CachePolicy{Cacheable: true, MaxAge: 300, Hinted: true}},
		{document: "{ now }", want: CachePolicy{}},
		{document: "{ now }", o: Options{DefaultMaxAge: 7}, want: CachePolicy{Cacheable: true, MaxAge: 7}},
		{document: "{ now city(id: 1) { id } }", want: CachePolicy{Hinted: true}},
		{document: "mutation { removeCity(id: 1) }", want: CachePolicy{}},
		{document: "{ node(id: 1) { id ... on City { mayor { age } } } }", want: CachePolicy{Cacheable: true, MaxAge: 5, Private: true, Hinted: true}},
	} {
		got := Build(s, tc.document, "", tc.o).Cache()
		if got.Reason == "" {
			t.Errorf("%s: no reason", tc.document)
		}
		got.Reason, got.Path, got.Open = "", "", ""
		if got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.document, got, tc.want)
		}
	}
}

func TestCostFollowsVariables(t *testing.T) {
	s := world(t)
	p := Build(s, "query ($n: Int) { cities(first: $n) { id country { id } } }", "", Options{})
	if len(p.Errors()) > 0 {
		t.Fatal(p.Errors())
	}
	cost := func(variables string) Cost {
		var v Values
		if errs := p.Coerce([]byte(variables), &v); errs != nil {
			t.Fatal(errs)
		}
		return p.Cost(&v)
	}
	ten, thousand := cost(`{"n":10}`), cost(`{"n":1000}`)
	if ten.Type < 20 || thousand.Type < 90*ten.Type || thousand.Points() < 2000 || cost(`{}`) != ten {
		t.Errorf("%+v %+v %+v", ten, thousand, cost(`{}`))
	}
}

// TestPanicsStayInside builds with a schema that is broken in a way no schema that was loaded can be.
func TestPanicsStayInside(t *testing.T) {
	broken := &Schema{objects: []string{"City"}}
	p := Build(broken, "mutation M { a }", "", Options{})
	var v Values
	var tags Tags
	if !p.failed || p.Kind() != KindMutation || p.Name() != "M" || p.Cache().Cacheable || p.Coerce([]byte(`{"a":1}`), &v) != nil {
		t.Errorf("%v %q %+v", p.Kind(), p.Name(), p.Cache())
	}
	p.InspectMutation([]byte(`{"data":{"a":1}}`), &tags)
	if list(&tags) != "City" {
		t.Error(list(&tags))
	}
	c := NewCache(CacheConfig{Schema: broken})
	if _, err := c.Plan(request("{ a }", ""), 1); err != nil || c.Stats().Failed != 1 {
		t.Errorf("%v %+v", err, c.Stats())
	}
}

// The parser's lexer ends a block string too early when its text ends with quotes; what it would read is not what the origin reads.
func TestBlockStringsAreReadAsServersReadThem(t *testing.T) {
	p := Build(nil, "{f(a: [\"\"\"x\"\"\"\" , \"]) secret g(a: [\" # \"\n]) }", "", Options{})
	if len(p.Errors()) > 0 || p.Measures().RootFields != 3 {
		t.Errorf("%d root fields, %v", p.Measures().RootFields, p.Errors())
	}
	block, plain := Build(nil, "{f(a: \"\"\"x\n b\"\"\")}", "", Options{}), Build(nil, `{f(a: "x\n b")}`, "", Options{})
	if block.Hash() == plain.Hash() {
		t.Error("two different values have one canonical form")
	}
}

package planner

import (
	"strings"
	"testing"
)

func TestBeginningOfARequest(t *testing.T) {
	for body, want := range map[string]string{
		`{"query":"mutation { a }","variables":{"x":"`:              "mutation { a }|",
		`{"variables":{"a":[1,2]},"query":"{ a }"`:                  "{ a }|",
		` { "operationName" : "M" , "query":"\u007b a }" , "x":tru`: "{ a }|M",
		`{"query":"{ a }"}`:                   "{ a }|",
		`{"query":"{ a }","query":"{ b }"}`:   "{ b }|", // what most servers read
		`{"query":"{ a`:                       "",
		`{"variables":{"query":"{ a }"},"que`: "",
		`{"query":5,"a":`:                     "",
		`[{"query":"{ a }"}`:                  "",
		``:                                    "",
	} {
		var r Request
		got := ""
		if ParseRequestStart([]byte(body), &r) {
			got = string(r.AppendDocument(nil)) + "|" + string(r.AppendOperationName(nil))
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestMayMutate(t *testing.T) {
	for _, c := range []struct {
		document, name string
		want           bool
	}{
		{"{ a }", "", false},
		{"query A { a } mutation B { b }", "A", false},
		{"query A { a } mutation B { b }", "B", true},
		{"query A { a } mutation B { b }", "", true},
		{"mutation { b }", "", true},
		{"# mutation\n{ mutation }", "", false},
		{`{ a(b: "mutation { c }") }`, "", false},
		{"fragment mutation on Query { a } { ...mutation }", "", false},
		{strings.Repeat("query Q { a } ", 1000) + "mutation M { b }", "M", true},
		{"", "", false},
	} {
		if got := MayMutate(c.document, c.name); got != c.want {
			t.Errorf("%.60s %s: %v", c.document, c.name, got)
		}
	}
}

// Whatever a whole request says, its beginning says the same, or nothing.
func FuzzBeginningOfARequest(f *testing.F) {
	f.Add([]byte(`{"query":"mutation { a }","variables":{"x":"y"},"operationName":"A"}`), 30)
	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		var whole, part Request
		if ParseRequest(body, &whole) != nil || cut < 0 || cut > len(body) {
			return
		}
		if !ParseRequestStart(body[:cut], &part) {
			if cut == len(body) && whole.Query != nil {
				t.Error("the document of a whole request is not found")
			}
			return
		}
		if a, b := string(whole.AppendDocument(nil)), string(part.AppendDocument(nil)); a != b {
			t.Errorf("%q, the beginning says %q", a, b)
		}
	})
}

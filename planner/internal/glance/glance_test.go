package glance

import (
	"fmt"
	"strings"
	"testing"
)

func TestOperations(t *testing.T) {
	for document, want := range map[string]string{
		"":            "",
		"{ a }":       "query",
		"query { a }": "query",
		"mutation M($a: In = {b: {c: 1}}) @d(x: {y: \"}\"}) { a(x: {y: 1}) { b } } query Q { b }": "mutation M,query Q",
		"fragment query on mutation { a } subscription S { b }":                                   "subscription S",
		"fragment F on X @d(a: {b: 1}) { a { b } } { c }":                                         "query",
		"# mutation M { a }\nquery Q { a }":                                                       "query Q",
		"\"mutation M {\" query Q { a(x: \"\"\"mutation M { \\\"\"\" \"\"\") }":                   "query Q",
		"type X { a: Int } { b }":                                                                 "query",
		"query Q { query mutation(mutation: mutation) }":                                          "query Q",
		"mutation M { a ":      "mutation M",
		"mutation":             "mutation",
		"}}} mutation M { a }": "mutation M",
	} {
		var got []string
		for _, op := range Operations(document) {
			got = append(got, strings.TrimSpace(op.Keyword+" "+op.Name))
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%q: %v, want %s", document, got, want)
		}
	}
	if n := len(Operations(strings.Repeat("{a}", 5000))); n != MaxOperations {
		t.Errorf("%d operations", n)
	}
}

func TestWithoutComments(t *testing.T) {
	for document, want := range map[string]string{
		"{ a }":                          "{ a }",
		"{ a # b }\n}":                   "{ a      \n}",
		"{ a(x: \"# no\") #\r\n}":        "{ a(x: \"# no\")  \r\n}",
		"{ a(x: \"\"\"\n# no\n\"\"\") }": "{ a(x: \"\"\"\n# no\n\"\"\") }",
		"#é":                             "   ",
	} {
		if got := WithoutComments(document); got != want {
			t.Errorf("%q: %q", document, got)
		}
	}
}

func TestLoneSurrogate(t *testing.T) {
	for text, lone := range map[string]bool{
		`\ud83d\ude00`: false, `\uD83D`: true, `\ude00`: true, `\ud83dx`: true, `\ud83d\u0041`: true, `\u{1F600}`: false, `\u{d83d}`: true, `\u{D83D}\u{DE00}`: true,
		`\\ud83d`: false, `\"\ud83d\ude00`: false, `\u00`: false, `\u{110000000}`: false, `\ud83d\ude00\ud83d`: true, `\ud83d\ud83d\ude00`: true,
	} {
		document := fmt.Sprintf(`{ a(x: "%s") }`, text)
		if got := LoneSurrogate(document); got >= 0 != lone {
			t.Errorf("%s: %d", document, got)
		} else if got >= 0 && !strings.HasPrefix(document[got:], `\u`) {
			t.Errorf("%s: place %d", document, got)
		}
	}
	for _, document := range []string{`{ a(x: """\ud83d""") }`, "# \\ud83d\n{ a }", `{ a }`} {
		if got := LoneSurrogate(document); got >= 0 {
			t.Errorf("%s: %d", document, got)
		}
	}
}

func FuzzOperations(f *testing.F) {
	f.Add(`query Q($a: In = {b: 1}) @d { a } mutation M { b(x: """y""") } # c`)
	f.Add(`{ a(x: "\ud83d\u{d83d}") }`)
	f.Fuzz(func(t *testing.T, document string) {
		for _, op := range Operations(document) {
			if op.Keyword == "" {
				t.Fatal("an operation without a keyword")
			}
		}
		if plain := WithoutComments(document); len(plain) != len(document) || WithoutComments(plain) != plain {
			t.Fatalf("%q", plain)
		}
		if i := LoneSurrogate(document); i >= len(document) {
			t.Fatal(i)
		}
	})
}

package measure

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/planner/internal/jsoracle"
)

// oddStrings writes documents of odd strings.
func oddStrings() []string {
	inBlocks := []string{" ", " ", "\t", "\n", "\n", "\r", "\r\n", "a", "b", `"`, `"`, `\`, `\"""`, "\u00a0", "é", "\u2028", "😀", "\ufeff", "#", ",", `\n`}
	inStrings := []string{"a", "é", `\n`, `\u0041`, `\u{1F600}`, `\uD83D\uDE00`, `\"`, `\\`, `\/`, `\b`, "#", "\u00a0", "\u2028", "\t", "😀", `\u{0041}`, `"""`, " "}
	documents := []string{
		"{f(a: [\"\"\"x\"\"\"\" , \"]) secret g(a: [\" # \"\n]) }",
		`{f(a: ["""x""""y"])}`,
		`{f(a: ["""""""y"])}`,
		"{f(a: [\"\"\"first\n    second\n      third\n\n    \"\"\"])}",
		"{f(a: [\"\"\"\n    first\n  second\"\"\"])}",
		"{f(a: [\"\"\" first\n second\"\"\"])}",
		"{f(a: [\"\"\"a\"\"\", \"\"\"b\n c\"\"\", \"d\"])}",
	}
	r := rand.New(rand.NewPCG(20261125, 4))
	for i := range 1500 {
		alphabet, quotes := inBlocks, `"""`
		if i%5 == 0 {
			alphabet, quotes = inStrings, `"`
		}
		var text strings.Builder
		for range r.IntN(10) {
			text.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		documents = append(documents, "{f(a: ["+quotes+text.String()+quotes+`, "z"])}`)
	}
	return documents
}

// TestPlainDocumentsReadAsGraphQLJSReadsThem: what graphql-js refuses must not parse; what parses must have the same values.
func TestPlainDocumentsReadAsGraphQLJSReadsThem(t *testing.T) {
	type reading struct {
		Fields int
		Values []string
	}
	documents := oddStrings()
	changed, refused := 0, 0
	for i, theirs := range jsoracle.Run[string, *reading](t, "strings", nil, documents) {
		document := documents[i]
		plain := Plain(document)
		if plain != document {
			changed++
		}
		if Plain(plain) != plain {
			t.Errorf("%q becomes %q and then %q", document, plain, Plain(plain))
		}
		doc, err := parser.ParseQuery(&ast.Source{Input: plain})
		switch {
		case err != nil && theirs != nil:
			refused++
		case err == nil && theirs == nil:
			t.Errorf("%q parses, graphql-js refuses it", document)
		case err == nil:
			var values []string
			set := doc.Operations[0].SelectionSet
			for _, v := range set[0].(*ast.Field).Arguments[0].Value.Children {
				values = append(values, v.Value.Raw)
			}
			if len(set) != theirs.Fields || !slices.Equal(values, theirs.Values) {
				t.Errorf("%q\n ours   %d fields, %q\n theirs %d fields, %q", document, len(set), values, theirs.Fields, theirs.Values)
			}
		}
	}
	t.Logf("%d documents, %d spelled otherwise, %d refused though graphql-js reads them", len(documents), changed, refused)
	if changed < 50 || refused > len(documents)/100 {
		t.Error("the documents test too little, or too much of it is refused")
	}
}

func TestPlain(t *testing.T) {
	for document, want := range map[string]string{
		`{a}`:                           `{a}`,
		`{f(a: """x""")}`:               `{f(a: """x""")}`,
		`{f(a: ["""x""" "y"])}`:         `{f(a: ["""x""" "y"])}`,
		`{f(a: ["""x""""y"])}`:          `{f(a: ["""x""" "y"])}`,
		`"""""""`:                       `"""""" "`,
		`# """x""""`:                    `# """x""""`,
		`"\"\"\"\""`:                    `"\"\"\"\""`,
		"\"\"\"a\n  b\n   c\"\"\"":      "\"\"\"a\nb\n c\"\"\"",
		"\"\"\"a\r\n\r\n\tb\r\"\"\"":    "\"\"\"a\r\n\r\nb\r\"\"\"",
		"\"\"\" a\n  b\n c\"\"\"":       "\"\"\" a\n  b\n c\"\"\"",
		"\"\"\"\n  b\n c\"\"\"":         "\"\"\"\n  b\n c\"\"\"",
		"\"\"\"a\n  b":                  "\"\"\"a\n  b", // not closed
		"\"\"\"a\n  b\\\"\"\"\"\"\"\"x": "\"\"\"a\nb\\\"\"\"\"\"\" \"x",
	} {
		if got := Plain(document); got != want {
			t.Errorf("%q\n got  %q\n want %q", document, got, want)
		}
	}
}

func TestPlainIsLinear(t *testing.T) {
	for _, document := range []string{
		strings.Repeat(`"""x""""y" `, 100_000),
		`"""a` + strings.Repeat("\n  b", 300_000) + `"""`,
		strings.Repeat("\"\"\"a\n b\"\"\"", 100_000),
	} {
		if got := Plain(document); len(got) == 0 || strings.Count(got, "\n") != strings.Count(document, "\n") {
			t.Errorf("%.40q became %d bytes", document, len(got))
		}
	}
}

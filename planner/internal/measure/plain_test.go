package measure

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// TestPlainDocumentsReadAsGraphQLJSReadsThem goes through recorded answers of graphql-js (testdata/graphqljs/record.mjs).
// What it refuses must not parse; what parses must have the same values.
func TestPlainDocumentsReadAsGraphQLJSReadsThem(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "graphqljs", "strings.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases, changed, refused := 0, 0, 0
	for sc := bufio.NewScanner(f); sc.Scan(); cases++ {
		var c struct {
			Document string
			Read     *struct {
				Fields int
				Values []string
			}
		}
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		plain := Plain(c.Document)
		if plain != c.Document {
			changed++
		}
		if Plain(plain) != plain {
			t.Errorf("%q becomes %q and then %q", c.Document, plain, Plain(plain))
		}
		doc, err := parser.ParseQuery(&ast.Source{Input: plain})
		switch {
		case err != nil && c.Read != nil:
			refused++
		case err == nil && c.Read == nil:
			t.Errorf("%q parses, graphql-js refuses it", c.Document)
		case err == nil:
			var values []string
			set := doc.Operations[0].SelectionSet
			for _, v := range set[0].(*ast.Field).Arguments[0].Value.Children {
				values = append(values, v.Value.Raw)
			}
			if len(set) != c.Read.Fields || !slices.Equal(values, c.Read.Values) {
				t.Errorf("%q\n ours   %d fields, %q\n theirs %d fields, %q", c.Document, len(set), values, c.Read.Fields, c.Read.Values)
			}
		}
	}
	t.Logf("%d documents, %d spelled otherwise, %d refused though graphql-js reads them", cases, changed, refused)
	if cases < 1000 || changed < 50 || refused > cases/100 {
		t.Error("the recording tests too little, or too much of it is refused")
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

package measure

import (
	"math"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
)

var tokenCases = []struct {
	name, document string
	want           int
}{
	{"empty", "", 0},
	{"nothing counts", "\ufeff \t\r\n,, # a comment", 0},
	{"shorthand", "{a}", 3},
	{"every punctuator", "! $ & ( ) ... : = @ [ ] { | }", 14},
	{"punctuators without space", "!$&()...:=@[]{|}", 14},
	{"names", "a _b C9 __typename", 4},
	{"name behind number", "0xF1", 2},
	{"numbers", "0 -1 1.5 -1.5e3 1E-2 1e+10", 6},
	{"numbers cut short", "1. -", 3},
	{"number without exponent digits", "1e", 2},
	{"spread behind a number", "1...a", 3},
	{"two dots", "..", 2},
	{"string", `"a b c"`, 1},
	{"empty string", `"" a`, 2},
	{"escapes", `"\"\\" a`, 2},
	{"a comment in a string", `"# a" b`, 2},
	{"a string in a comment", "# \"a\nb", 1},
	{"comment ends with carriage return", "# a\rb", 1},
	{"string ends with its line", "\"a\nb", 2},
	{"escape before the line's end", "\"a\\\nb", 2},
	{"string not closed", `"a b`, 1},
	{"escape at the end", `"a\`, 1},
	{"block string", "\"\"\"a\n\"b\" \"\" c\"\"\" d", 2},
	{"empty block string", `"""""" a`, 2},
	{"escaped fence", `"""\"""""" a`, 2},
	{"escaped fence behind a backslash", `"""\\"""a""" b`, 2},
	{"quote before the fence", `"""a"""" b`, 2},
	{"block string not closed", `"""a "" b`, 1},
	{"not GraphQL counts by the byte", "\x00%'é", 5},
	{"a byte order mark within", "a\ufeffb", 2},
	{"half a byte order mark", "\xef\xbb", 2},
	{"a query", "query Q($a: [Int!] = [1, 2]) @d(x: \"y\") { x: f(a: $a) { ...F } }", 38},
}

func TestTokens(t *testing.T) {
	for _, c := range tokenCases {
		t.Run(c.name, func(t *testing.T) {
			if got := Tokens([]byte(c.document), math.MaxInt); got != c.want {
				t.Errorf("%q: %d tokens, want %d", c.document, got, c.want)
			}
		})
	}
}

func TestTokensStopBehindTheLimit(t *testing.T) {
	document := []byte(strings.Repeat("{a b(c:1)}", 1000))
	for limit, want := range map[int]int{0: 1, 1: 2, 10: 11, 8999: 9000, 9000: 9000, 9001: 9000} {
		if got := Tokens(document, limit); got != want {
			t.Errorf("limit %d: %d, want %d", limit, got, want)
		}
	}
}

func TestTokensDoesNotAllocate(t *testing.T) {
	document := []byte("query Q($a: [Int!] = [1, -2.5e3]) @d(x: \"y\\\"\") { x: f(a: $a) { ...F \"\"\"block\"\"\" } } # end")
	if n := testing.AllocsPerRun(100, func() { Tokens(document, math.MaxInt) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// lexed counts with gqlparser's lexer; ok is false when it refuses the document.
func lexed(document string) (n int, ok bool) {
	l := lexer.New(&ast.Source{Input: document})
	for {
		token, err := l.ReadToken()
		switch {
		case err != nil:
			return 0, false
		case token.Kind == lexer.EOF:
			return n, true
		case token.Kind != lexer.Comment:
			n++
		}
	}
}

// FuzzTokens: a document that has tokens has as many as the lexer of the parser says, and any other ends too.
func FuzzTokens(f *testing.F) {
	for _, c := range tokenCases {
		f.Add(c.document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		got := Tokens([]byte(document), math.MaxInt)
		if got < 0 || got > len(document) {
			t.Fatalf("%q: %d tokens", document, got)
		}
		if want, ok := lexed(Plain(document)); ok && got != want {
			t.Errorf("%q: %d tokens, the lexer finds %d", document, got, want)
		}
		if limited := Tokens([]byte(document), got/2); limited != min(got, got/2+1) {
			t.Errorf("%q: %d tokens, with limit %d it says %d", document, got, got/2, limited)
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	for name, document := range map[string]string{
		"query":   strings.Repeat("query Q($a: [Int!] = [1, 2]) @d(x: \"y\") { x: f(a: $a) { ...F } }\n", 100),
		"names":   strings.Repeat("somewhatLongName ", 1000),
		"block":   `"""` + strings.Repeat(`text "" `, 10_000) + `"""`,
		"comment": strings.Repeat("# a comment line\n", 1000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(document)))
			b.ReportAllocs()
			text := []byte(document)
			for b.Loop() {
				Tokens(text, math.MaxInt)
			}
		})
	}
}

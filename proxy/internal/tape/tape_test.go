package tape

import (
	"encoding/json"
	"strings"
	"testing"
)

func deep(b []byte) bool {
	depth, most := 0, 0
	for _, c := range b {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		most = max(most, depth)
	}
	return most > MaxDepth
}

// FuzzCheck compares with encoding/json, and walks what was passed.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		``, ` `, `{}`, `[]`, `{"a":1,"a":[null,true,false,"x\n\u00e9"]}`, `[1,]`, `{"a"}`, `01`, `-`, `1.`, `1e`, `1E+2`, `"\x"`, `"`, `{"a":{"b":[{}]}} `,
		`{"a":1}}`, `nul`, "\"\t\"", `"\u12"`, `-0.0e-1`, strings.Repeat("[", 300) + strings.Repeat("]", 300), strings.Repeat("[", 5000),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := Check(b)
		if got && !json.Valid(b) || !got && json.Valid(b) && !deep(b) {
			t.Fatalf("Check(%q) = %v", b, got)
		}
		if !got {
			return
		}
		i := Blank(b, 0)
		if end := Skip(b, i); Blank(b, end) != len(b) {
			t.Fatalf("Skip(%q) = %d", b, end)
		}
		Get(b, i, "no such key")
	})
}

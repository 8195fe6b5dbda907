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

// String finds the first byte that ends or breaks a string wherever it stands.
func TestString(t *testing.T) {
	for n := range 40 {
		for _, c := range []struct {
			end  string
			more int // -1: malformed
		}{{`"`, 1}, {`\"`, -1}, {`\""`, 3}, {"\x1f\"", -1}, {"\x00\"", -1}, {`\u00e9"`, 7}, {`\u00g9"`, -1}, {`\`, -1}, {"\x7f\"", 2}, {"é\x80\xff\"", 5}, {"!#[]\"", 5}, {"", -1}} {
			text := `"` + strings.Repeat("x", n) + c.end
			want := 1 + n + c.more
			if c.more < 0 {
				want = -1
			}
			for _, behind := range []string{"", ",\"y\":[1,2,3,\"four\"]}"} {
				if c.more < 0 && behind != "" {
					continue
				}
				if got := String([]byte(text+behind), 0); got != want {
					t.Errorf("String(%q) = %d, want %d", text+behind, got, want)
				}
			}
		}
	}
}

func BenchmarkString(b *testing.B) {
	text := []byte(`"` + strings.Repeat("it stands well in a small room; ", 13) + `"`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if String(text, 0) < 0 {
			b.Fatal("malformed")
		}
	}
}

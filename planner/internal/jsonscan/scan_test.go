package jsonscan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

var seeds = []string{
	`{}`, `[]`, `null`, `true`, `false`, ` 1 `, `-0`, `01`, `1.`, `1.5e+10`, `1e`, `.5`, `-`, `""`, `"a`, `"\u00e9\n"`, `"\ud83d\ude00"`,
	`"\ud83d"`, `"\x"`, `"\u12g4"`, "\"\x01\"", "\"tab\tin\"", `{"a":1,}`, `{"a" 1}`, `{"a":[1,2,{"b":null}]}`, `[1,]`, `[1 2]`, `{"a":1}x`, ``, ` `,
	`{"a":1,"a":2}`, `nul`, `tru`, `[[[[]]]]`, "\ufeff{}", `{1:2}`, `"0123456789abcdef\"0123456789"`, `{"日本":"\u65e5"}`,
}

func TestAgainstStandardLibrary(t *testing.T) {
	for _, s := range seeds {
		if got, want := Valid([]byte(s), 100), json.Valid([]byte(s)); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

func TestDepth(t *testing.T) {
	for _, tc := range []struct {
		text  string
		depth int
		want  Status
	}{
		{`1`, 0, OK},
		{`[]`, 0, TooDeep},
		{`[]`, 1, OK},
		{`[{"a":[]}]`, 2, TooDeep},
		{`[{"a":[]}]`, 3, OK},
		{strings.Repeat("[", 1<<20), 512, TooDeep},
		{strings.Repeat(`{"a":`, 1<<20), 512, TooDeep},
	} {
		if _, st := Document([]byte(tc.text), tc.depth); st != tc.want {
			t.Errorf("%.20q depth %d: status %d, want %d", tc.text, tc.depth, st, tc.want)
		}
	}
}

func TestMembersAndElements(t *testing.T) {
	b := []byte(` { "a" : 1 , "b\u0021" : [ 1 , {"x":"}"} , "," ] , "c" : {} }`)
	i, st := Document(b, 9)
	if st != OK {
		t.Fatal(st)
	}
	var got []string
	m := Open(b, i)
	for m.Next() {
		got = append(got, string(AppendUnescaped(nil, m.Key)))
		if KindAt(b, m.Value) == Array {
			e := OpenArray(b, m.Value)
			for e.Next() {
				end, _ := Skip(b, e.Value, 9)
				got = append(got, string(b[e.Value:end]))
			}
		}
	}
	if want := `a|b!|1|{"x":"}"}|","|c`; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
}

func TestEqualKey(t *testing.T) {
	if !EqualKey([]byte(`d\u0061ta`), true, "data") || EqualKey([]byte(`d\u0062ta`), true, "data") || !EqualKey([]byte("data"), false, "data") {
		t.Error("wrong comparison")
	}
}

func FuzzValid(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := Valid(b, 10000), json.Valid(b); got != want {
			t.Fatalf("%q: got %v, want %v", b, got, want)
		}
		i := Space(b, 0)
		if KindAt(b, i) == String {
			if end, _, ok := SkipString(b, i); ok {
				var want string
				if err := json.Unmarshal(b[i:end], &want); err != nil {
					t.Fatal(err)
				}
				if got := gqltest.Replaced(string(AppendUnescaped(nil, b[i+1:end-1]))); got != want &&
					json.Valid(b) && strings.ToValidUTF8(string(b), "") == string(b) {
					t.Fatalf("%q: got %q, want %q", b[i:end], got, want)
				}
			}
		}
	})
}

// checkedAgrees compares one pass that walks and checks with two that each do one of it.
func checkedAgrees(t *testing.T, b []byte, depth int) {
	t.Helper()
	i := Space(b, 0)
	if KindAt(b, i) != Object {
		return
	}
	end, st := Skip(b, i, depth)
	var got []int
	m := Check(b, i, depth)
	for m.Next() {
		got = append(got, m.Value, m.End)
	}
	if m.Next() || m.Status != st || st == OK && m.Behind != end {
		t.Fatalf("%q, depth %d: status %d up to %d, want %d up to %d", b, depth, m.Status, m.Behind, st, end)
	}
	if st != OK {
		return
	}
	var want []int
	for o := Open(b, i); o.Next(); {
		o.End, _ = Skip(b, o.Value, depth)
		want = append(want, o.Value, o.End)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q: values at %v, want %v", b, got, want)
	}
}

func TestCheckedIsWalkAndCheck(t *testing.T) {
	for _, s := range append(seeds, `{ "a" : 1 , "b\u0021" : [ 1 , {"x":"}"} , "," ] , "c" : {} } x`, `{"a":[[]],"b":[[[]]]}`, `{"a":1 "b":2}`, `{"a":`, `{"a"`, `{"a":1`, `{"a":1,`) {
		for depth := range 5 {
			checkedAgrees(t, []byte(s), depth)
		}
	}
}

func FuzzChecked(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, depth int) { checkedAgrees(t, b, depth) })
}

func TestHalfCharactersStayApart(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []string{`\ud83d`, `\udead`, `\ufffd`, `\ud83d\ud83d`, `\udead\ud83d`, `\ud83d\ude00`, `\ud83dx`, `\ud83d\n`, `\ud83d\u0041`} {
		got := string(AppendUnescaped(nil, []byte(s)))
		if other, twice := seen[got]; twice {
			t.Errorf("%s and %s are both %q", s, other, got)
		}
		seen[got] = s
	}
}

var response = []byte(`{"data":{"cities":[` + strings.Repeat(`{"id":"12","name":"Bad Oeynhausen","population":{"value":48990,"since":"2020-01-01"}},`, 50) + `null]}}`)

func TestNoAllocation(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if !Valid(response, 20) {
			t.Fatal("invalid")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkValid(b *testing.B) {
	b.SetBytes(int64(len(response)))
	for b.Loop() {
		Valid(response, 20)
	}
}

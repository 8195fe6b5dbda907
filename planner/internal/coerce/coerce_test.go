package coerce

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqltest"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

func testSchema(t testing.TB) *ast.Schema {
	t.Helper()
	s := gqltest.Schema(t, oracleSDL)
	return s
}

func compile(t testing.TB, s *ast.Schema, defs string) *Program {
	t.Helper()
	doc := gqltest.Document(t, "query("+defs+"){f}")
	return Compile(s, doc.Operations[0].VariableDefinitions)
}

func canonical(t *testing.T, p *Program, raw string) []byte {
	t.Helper()
	var v Values
	if errs := p.Run([]byte(raw), &v); errs != nil {
		t.Fatalf("%s: %v", raw, errs[0].Message)
	}
	return bytes.Clone(v.Canonical)
}

func TestCanonicalEquality(t *testing.T) {
	s := testSchema(t)
	for _, tc := range []struct {
		defs, a, b string
		same       bool
	}{
		{"$v: ID", `{"v":4}`, `{"v":"4"}`, true},
		{"$v: Int $w: String", `{"v":1}`, ` { "x" : [ ], "v" : 1.0 } `, true},
		{"$v: Int", `{}`, `{"v":null}`, false},
		{"$v: Int = 3", `{}`, `{"v":3}`, true},
		{"$v: Int = 3", `{}`, `{"v":null}`, false},
		{"$v: [Int]", `{"v":1}`, `{"v":[1]}`, true},
		{"$v: In", `{"v":{"id":1,"n":3}}`, `{"v":{"n":3,"id":"1","req":5}}`, true},
		{"$v: Any", `{"v":{"b":1,"a":"\u0041"}}`, `{"v":{"a":"A", "b":1}}`, true},
		{"$v: Any", `{"v":1}`, `{"v":"1"}`, false},
		{"$v: Any", `{"v":1}`, `{"v":1.0}`, false},
		{"$v: Any", `{"v":{"a":1,"a":2}}`, `{"v":{"a":2,"a":1}}`, false},
		{"$a: String $b: String", `{"a":"1b","b":"2"}`, `{"a":"1","b":"b2"}`, false},
		{"$a: String $b: String", `{"a":"x"}`, `{"b":"x"}`, false},
	} {
		p := compile(t, s, tc.defs)
		if got := bytes.Equal(canonical(t, p, tc.a), canonical(t, p, tc.b)); got != tc.same {
			t.Errorf("(%s) %s and %s: equal is %v, want %v", tc.defs, tc.a, tc.b, got, tc.same)
		}
	}
}

func TestWithoutSchema(t *testing.T) {
	p := compile(t, nil, "$v: In! $w: Int = 3")
	if !bytes.Equal(canonical(t, p, `{"v":{"b":1,"a":2}}`), canonical(t, p, `{ "w": 3, "v": {"a":2,"b":1} }`)) {
		t.Error("canonical JSON differs")
	}
	var v Values
	if errs := p.Run([]byte(`{}`), &v); errs == nil || len(v.Canonical) != 0 {
		t.Error("a missing required variable passed")
	}
	if p.Run([]byte(`{"v":1}`), &v) != nil {
		t.Fatal("refused")
	}
	if n, ok := v.Find("w", nil).Int(); !ok || n != 3 {
		t.Errorf("w: %d %v", n, ok)
	}
}

func TestLookups(t *testing.T) {
	p := compile(t, testSchema(t), "$v: In $n: Int $l: [[Int]] $gone: Int")
	var v Values
	if errs := p.Run([]byte(`{"v":{"id":1,"point":{"x":-9},"colors":["RED","BLUE"],"f":null},"n":12,"l":[[1,2],3]}`), &v); errs != nil {
		t.Fatal(errs)
	}
	if n, ok := v.Find("v", []string{"point", "x"}).Int(); !ok || n != -9 {
		t.Errorf("v.point.x: %d %v", n, ok)
	}
	if n, ok := v.Find("v", []string{"point", "y"}).Int(); !ok || n != 7 {
		t.Errorf("v.point.y: %d %v", n, ok)
	}
	if n, ok := v.Find("v", []string{"colors"}).Len(); !ok || n != 2 {
		t.Errorf("v.colors: %d %v", n, ok)
	}
	if x := v.Find("v", []string{"f"}); !x.Null() || !x.Present() {
		t.Error("v.f is not null")
	}
	if v.Find("gone", nil).Present() || v.Find("v", []string{"next", "id"}).Present() || v.Find("n", []string{"x"}).Present() {
		t.Error("found what is absent")
	}
	first, rest := v.Find("l", nil).First()
	second, rest := rest.Next()
	third, _ := rest.Next()
	if a, _ := first.Len(); a != 2 {
		t.Errorf("l[0] has %d elements", a)
	}
	if b, _ := second.Len(); b != 1 || third.Present() {
		t.Errorf("l[1] has %d elements", b)
	}
}

func TestMessages(t *testing.T) {
	p := compile(t, testSchema(t), "$v: In $w: [Color!]! $o: One")
	for _, tc := range []struct{ raw, want string }{
		{`{"w":"RED","v":{"id":1,"points":[{"x":1},{"x":"secret"}]}}`, `Variable "$v.points[1].x" has a value that is not of type "Int".`},
		{`{"w":["red"]}`, `Variable "$w[0]" is not a value of enum "Color".`},
		{`{}`, `Variable "$w" of required type "[Color!]!" was not provided.`},
		{`{"w":null}`, `Variable "$w" of non-null type "[Color!]!" must not be null.`},
		{`{"w":[],"v":{}}`, `Variable "$v.id" of required type "ID!" was not provided.`},
		{`{"w":[],"v":{"id":1,"nope":1}}`, `Variable "$v.nope" is not defined by type "In".`},
		{`{"w":[],"w":[]}`, `Variable "$w" is given more than once.`},
		{`{"w":[],"o":{}}`, `Variable "$o" must have exactly one field, not null: type "One" is @oneOf.`},
		{`[]`, `Variables must be a JSON object.`},
		{`{"w":[]`, `Variables are not valid JSON.`},
		{`{"w":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`, `Variables nest deeper than 32 levels.`},
	} {
		var v Values
		errs := p.Run([]byte(tc.raw), &v)
		if len(errs) != 1 || errs[0].Message != tc.want {
			t.Errorf("%s: %v", tc.raw, errs)
		}
	}
	var v Values
	if errs := p.Run([]byte(`{"w":[`+strings.Repeat(`1,`, 5000)+`1]}`), &v); len(errs) != maxErrors {
		t.Errorf("%d errors", len(errs))
	}
}

// TestHostileSizes runs what a body of a mebibyte can hold: the time must stay near that of reading it.
func TestHostileSizes(t *testing.T) {
	p := compile(t, testSchema(t), "$v: Any $w: [Int] $i: In")
	nest := func(open, inner, closing string) string {
		return strings.Repeat(open, 28) + inner + strings.Repeat(closing, 28)
	}
	var keys strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&keys, `"k%d":%d,`, (i*7919)%60000, i)
	}
	for name, raw := range map[string]string{
		"wide list":   `{"v":[` + strings.Repeat("1,", 1<<19) + `1]}`,
		"deep list":   `{"v":` + nest("[", strings.Repeat("1,", 1<<19)+"1", "]") + `}`,
		"deep object": `{"v":` + nest(`{"a":`, `[`+strings.Repeat("1,", 1<<19)+"1]", "}") + `}`,
		"many names":  `{"v":{` + keys.String() + `"z":1}}`,
		"typed list":  `{"w":[` + strings.Repeat("1,", 1<<19) + `1]}`,
		"typed deep":  `{"i":` + nest(`{"id":1,"next":`, `{"id":1,"any":"`+strings.Repeat("x", 1<<20)+`"}`, "}") + `}`,
	} {
		var v Values
		d := gqltest.CPUTime(t, func() {
			if errs := p.Run([]byte(raw), &v); errs != nil {
				t.Errorf("%s: %s", name, errs[0].Message)
			}
		})
		if d > 2*time.Second {
			t.Errorf("%s: %v for %d bytes", name, d, len(raw))
		} else {
			t.Logf("%s: %v for %d bytes", name, d, len(raw))
		}
	}
}

// TestDefaultsDoNotMultiply sends short JSON that asks for very many defaults, and for a look at very many fields.
func TestDefaultsDoNotMultiply(t *testing.T) {
	var sdl strings.Builder
	sdl.WriteString("type Query {f: Int} input D {")
	for i := range 40 {
		fmt.Fprintf(&sdl, "f%d: String = \"some default text\" ", i)
	}
	sdl.WriteString("} input W {")
	for i := range 1000 {
		fmt.Fprintf(&sdl, "f%d: String ", i)
	}
	sdl.WriteString("} input N {a: D = {} b: [D!] = [{}, {}, {}, {}, {}, {}] n: N}")
	p := compile(t, gqltest.Schema(t, sdl.String()), "$a: [D!] $d: [D!] $w: [W!] $n: [N!]")
	var v Values
	for name, raw := range map[string]string{
		"defaults": `{"d":[` + strings.Repeat("{},", 1<<18) + `{}]}`,
		"nested":   `{"n":[` + strings.Repeat(`{"n":{}},`, 1<<16) + `{}]}`,
		"wide":     `{"w":[` + strings.Repeat("{},", 1<<18) + `{}]}`,
		"two":      `{"d":[` + strings.Repeat("{},", 1<<18) + `{}],"a":[` + strings.Repeat("{},", 1<<18) + `{}]}`,
	} {
		errs := p.Run([]byte(raw), &v)
		if len(errs) != 1 || !strings.Contains(errs[0].Message, "too large once the defaults") {
			t.Errorf("%s: %v", name, errs)
		}
		if cap(v.Canonical) > 16<<20 {
			t.Errorf("%s: %d bytes for %d bytes", name, cap(v.Canonical), len(raw))
		}
	}
	if errs := p.Run([]byte(`{"d":[`+strings.Repeat("{},", 400)+`{}],"w":[`+strings.Repeat("{},", 10_000)+`{}]}`), &v); errs != nil {
		t.Errorf("ordinary values: %v", errs)
	}
}

const typical = `{"v":{"id":"12","n":10,"s":"Bad Oeynhausen","points":[{"x":1},{"x":2,"y":3}],"any":{"b":[1,2],"a":"\u00e9"}},"n":20,"w":["RED"]}`

func TestNoAllocation(t *testing.T) {
	for _, s := range []*ast.Schema{testSchema(t), nil} {
		p := compile(t, s, "$v: In $n: Int $w: [Color!] $m: Int = 4")
		var v Values
		raw, path := []byte(typical), []string{"n"}
		if n := testing.AllocsPerRun(200, func() {
			if p.Run(raw, &v) != nil || (s != nil && !v.Find("v", path).Present()) {
				t.Fatal("refused")
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func FuzzRun(f *testing.F) {
	for _, h := range hostile {
		f.Add([]byte(`{"v":` + h + `,"w":` + h + `,"a":` + h + `}`))
	}
	f.Add([]byte(typical))
	s := testSchema(f)
	p := compile(f, s, "$v: Nest $w: [[Color!]] $a: Any $i: [In!] $o: One $d: ID $x: Float = 1")
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v, again Values
		if errs := p.Run(raw, &v); errs != nil {
			if len(v.Canonical) != 0 || len(errs) > maxErrors {
				t.Fatal("a refusal left values, or too many errors")
			}
			return
		}
		x := Value{v.Canonical}
		if sizeOf(v.Canonical) != len(v.Canonical) || !x.Object() {
			t.Fatalf("malformed %q", v.Canonical)
		}
		decode(x)
		if a, ok := v.Find("a", nil).Text(); ok {
			if !jsonscan.Valid(a, DefaultDepth) {
				t.Fatalf("opaque value is not JSON: %q", a)
			}
			if p.Run(append(append([]byte(`{"a":`), a...), '}'), &again) != nil {
				t.Fatal("canonical JSON was refused")
			}
			if b, _ := again.Find("a", nil).Text(); !bytes.Equal(a, b) {
				t.Fatalf("not stable: %q, then %q", a, b)
			}
		}
	})
}

func BenchmarkRun(b *testing.B) {
	p := compile(b, testSchema(b), "$v: In $n: Int $w: [Color!] $m: Int = 4")
	small := compile(b, testSchema(b), "$id: ID!")
	typicalRaw, smallRaw := []byte(typical), []byte(`{"id":"12"}`)
	var v Values
	b.Run("typical", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Run(typicalRaw, &v)
		}
	})
	b.Run("id", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			small.Run(smallRaw, &v)
		}
	})
}

package shape

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner/internal/gqltest"
	"github.com/weirproxy/weir/planner/internal/taglist"
)

func TestManyEntities(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, `{"id":%d},`, i)
	}
	var l taglist.List
	compileDoc(t, `{cities{id}}`).Walk([]byte(`{"data":{"cities":[`+b.String()+`null]}}`), &l)
	if got := l.Len(); got != MaxEntities+3 { // City, list:City, City:?
		t.Errorf("%d tags", got)
	}
	if !strings.Contains(sorted(&l), "City:?") {
		t.Error("no tag for the entities left out")
	}
}

func TestManyUnknownTypes(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, `{"__typename":"X%d"},`, i)
	}
	var l taglist.List
	if f := compileDoc(t, `{places{__typename}}`).Walk([]byte(`{"data":{"places":[`+b.String()+`null]}}`), &l); f.Readable || l.Len() > 4*MaxEntities {
		t.Errorf("%+v with %d tags", f, l.Len())
	}
}

// A document of few bytes that means a tree of 2^20 fields.
func TestDoublingFragments(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{city{...F0}}`)
	for i := range 20 {
		fmt.Fprintf(&b, ` fragment F%d on City{a:twins{...F%d} b:twins{...F%d}}`, i, i+1, i+1)
	}
	b.WriteString(` fragment F20 on City{id}`)
	schema := gqltest.Schema(t, testSDL)
	doc := gqltest.Document(t, b.String())
	s := Compile(schema, doc.Operations[0], doc.Fragments)
	var l taglist.List
	if f := s.Walk([]byte(`{"data":{"city":{"a":[{"b":[]}]}}}`), &l); !f.Readable || !strings.Contains(sorted(&l), "list:City") {
		t.Errorf("%+v %s", f, sorted(&l))
	}
}

// An interface with very many types, selected from in very many ways, must neither compile nor walk for long.
func TestHugeInterface(t *testing.T) {
	var sdl, doc strings.Builder
	sdl.WriteString("interface Node { id: ID! next: Node } type Query { node: Node nodes: [Node] }")
	doc.WriteString("{nodes{")
	for i := range 1500 {
		fmt.Fprintf(&sdl, " type T%d implements Node { id: ID! next: Node }", i)
		fmt.Fprintf(&doc, " ...on T%d{id next{id}} ...on Node{next{...on T%d{id}}}", i, i)
	}
	doc.WriteString("}}")
	schema := gqltest.Schema(t, sdl.String())
	body := []byte(`{"data":{"nodes":[` + strings.Repeat(`{"next":null},{"id":"7","next":{}},`, 10000) + `null]}}`)
	for _, text := range []string{doc.String(), `{nodes{id next{id}}}`} {
		q := gqltest.Document(t, text)
		var s *Shape
		var l taglist.List
		var f Facts
		compiled := gqltest.CPUTime(t, func() { s = Compile(schema, q.Operations[0], q.Fragments) })
		walked := gqltest.CPUTime(t, func() { f = s.Walk(body, &l) })
		t.Logf("%.20s: compiled in %v, broken %v; walked %d bytes in %v, readable %v, %d tags", text, compiled, s.broken, len(body), walked, f.Readable, l.Len())
		var all taglist.List
		s.AppendTypes(&all)
		if all.Len() != 1500 || l.Len() > 3*1500+MaxEntities {
			t.Errorf("%.20s: %d types, %d tags", text, all.Len(), l.Len())
		}
		if compiled > 3*time.Second || walked > 5*time.Second {
			t.Errorf("%.20s: compiled in %v, walked in %v", text, compiled, walked)
		}
	}
}

// Documents that select from an interface of many types over and over compile in little time, and are not given up where
// they need not be.
func TestRepetitionsOnAHugeInterface(t *testing.T) {
	var sdl strings.Builder
	sdl.WriteString("interface Node { id: ID! next: Node } type Query { node: Node }")
	for i := range 1500 {
		fmt.Fprintf(&sdl, " type T%d implements Node { id: ID! next: Node }", i)
	}
	schema := gqltest.Schema(t, sdl.String())
	repeat := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i) + " ")
		}
		return b.String()
	}
	for _, c := range []struct {
		name, document string
	}{
		{"one key", "{node {" + repeat(9000, func(int) string { return "id" }) + "}}"},
		{"a key under many names", "{node {" + repeat(1000, func(i int) string { return fmt.Sprintf("a%d: id", i) }) + "}}"},
		{"a key under too many names", "{node {" + repeat(9000, func(i int) string { return fmt.Sprintf("a%d: id", i) }) + "}}"},
		{"one object", "{node {" + repeat(2500, func(int) string { return "next {id}" }) + "}}"},
		{"an object under many names", "{node {" + repeat(2000, func(i int) string { return fmt.Sprintf("a%d: next {id}", i) }) + "}}"},
		{"one fragment", "{node {" + repeat(3300, func(int) string { return "...F" }) + "}} fragment F on Node {id}"},
		{"one fragment in many places", "{node {" + repeat(1000, func(i int) string { return fmt.Sprintf("a%d: next {...F}", i) }) + "}} fragment F on Node {id next {id}}"},
	} {
		doc := gqltest.Document(t, c.document)
		var s *Shape
		took := gqltest.CPUTime(t, func() { s = Compile(schema, doc.Operations[0], doc.Fragments) })
		t.Logf("%s: %v", c.name, took)
		if s.broken || took > time.Second {
			t.Errorf("%s: broken %v after %v", c.name, s.broken, took)
		}
	}
}

// narrowAll takes away the numbers of nodes of many types, and with them the short cut that rests on them.
func narrowAll(n *node) {
	n.wide = 0
	for i := range n.fields {
		if c := n.fields[i].child; c != nil && c.wide > 0 {
			narrowAll(c)
		}
	}
}

func TestShortCutForManyTypesLeavesNoTagOut(t *testing.T) {
	var sdl strings.Builder
	sdl.WriteString("interface Node { id: ID! next: Node all: [Node] } type Query { node: Node nodes: [Node] }")
	for i := range 2 * manyTypes {
		fmt.Fprintf(&sdl, " type T%d implements Node { id: ID! next: Node all: [Node] }", i)
	}
	schema := gqltest.Schema(t, sdl.String())
	doc := gqltest.Document(t, `{node {...F} nodes {...F next {...F}}} fragment F on Node {id next {id __typename} all {id next {__typename}}}`)
	fast, slow := Compile(schema, doc.Operations[0], doc.Fragments), Compile(schema, doc.Operations[0], doc.Fragments)
	for i := range slow.root.fields {
		narrowAll(slow.root.fields[i].child)
	}
	r := rand.New(rand.NewPCG(4, 2))
	var object func(depth int) string
	object = func(depth int) string {
		if r.IntN(8) == 0 {
			return "null"
		}
		var members []string
		if r.IntN(2) == 0 {
			members = append(members, fmt.Sprintf(`"id":"%d"`, r.IntN(1000)))
		}
		if r.IntN(3) == 0 {
			members = append(members, fmt.Sprintf(`"__typename":"T%d"`, r.IntN(2*manyTypes)))
		}
		if depth < 4 && r.IntN(2) == 0 {
			members = append(members, `"next":`+object(depth+1))
		}
		if depth < 4 && r.IntN(2) == 0 {
			members = append(members, `"all":[`+object(depth+1)+`,`+object(depth+1)+`]`)
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	for range 300 {
		body := `{"data":{"node":` + object(0) + `,"nodes":[` + object(0)
		for range r.IntN(40) {
			body += "," + object(0)
		}
		body += "]}}"
		for name, walk := range map[string]func(*Shape, *taglist.List) Facts{
			"query":    func(s *Shape, l *taglist.List) Facts { return s.Walk([]byte(body), l) },
			"mutation": func(s *Shape, l *taglist.List) Facts { return s.WalkMutation([]byte(body), l) },
		} {
			var a, b taglist.List
			if fa, fb := walk(fast, &a), walk(slow, &b); fa != fb || sorted(&a) != sorted(&b) {
				t.Fatalf("%s of %s\n%+v %s\n%+v %s", name, body, fa, sorted(&a), fb, sorted(&b))
			}
		}
	}
}

package workload

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
)

func TestInline(t *testing.T) {
	w, err := Inline(`query City($id: ID!, $n: Int) { city(id: $id) { name(first: $n, hint: "a\nb") } }`, `{"id": {"sequence": {"start": 7}}, "n": 3}`,
		[]string{"Authorization: Bearer x:y", "x-empty:"})
	if err != nil {
		t.Fatal(err)
	}
	if l := w.Labels(); len(l) != 1 || l[0] != (load.Label{Name: "City", Kind: load.KindQuery}) || w.Name() != "command line" {
		t.Errorf("%v %q", l, w.Name())
	}
	s := w.Stream(1, 0)
	target := load.Target{Network: "tcp", Host: "h", Path: "/graphql"}
	first, _ := s.Next(nil, &target, 0)
	for _, want := range []string{"Authorization: Bearer x:y\r\n", `"variables":{"id":7,"n":3}`, `hint: \"a\\nb\"`} {
		if !strings.Contains(string(first), want) {
			t.Errorf("%q is not in %s", want, first)
		}
	}
	if second, _ := s.Next(nil, &target, 0); !strings.Contains(string(second), `"id":8`) {
		t.Errorf("%s", second)
	}
}

func TestInlineOfADocumentWithoutAName(t *testing.T) {
	w, err := Inline("{ __typename }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if l := w.Labels(); len(l) != 1 || l[0].Name != "anonymous" {
		t.Errorf("%v", l)
	}
	request, _ := w.Stream(1, 0).Next(nil, &load.Target{Host: "h", Path: "/graphql"}, 0)
	if strings.Contains(string(request), "operationName") {
		t.Errorf("%s", request)
	}
}

func TestInlineSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ document, variables, header, want string }{
		{"{", "", "", "command line"},
		{"{ a }", "[1]", "", "are no JSON object"},
		{"{ a }", "{", "", "are no JSON object"},
		{"{ a }", "", "no colon", "write NAME: VALUE"},
		{"{ a }", `{"x": {"csv": {"file": "secret.csv"}}}`, "", "only a workload file may name other files"},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{c.header}
		}
		if _, err := Inline(c.document, c.variables, headers); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

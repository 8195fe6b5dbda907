package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/origin/origintest"
	"github.com/weirproxy/weir/bench/internal/result"
)

// TestRunSendsOneDocument is the newcomer's command: no file, a document of one's own.
func TestRunSendsOneDocument(t *testing.T) {
	o := origintest.Start(t)
	out, err := execute(t, t.Context(), "run", o.URL(), "--requests", "50", "--json", "--query", "query Cities($n: Int!) { cities(country: \"FR\", first: $n) { total } }",
		"--variables", `{"n": {"uniform": {"min": 1, "max": 9}}}`, "-H", "Authorization: Bearer somebody")
	if err != nil {
		t.Fatal(err)
	}
	var f result.File
	if err := json.Unmarshal([]byte(out), &f); err != nil || f.Run.Total.Requests != 50 || f.Run.Total.Errors != 0 || f.Run.Operations[0].Name != "Cities" {
		t.Errorf("%v %s", err, out)
	}
	if n := o.Counts()["query.cities"]; n != 50 {
		t.Errorf("the origin counts %v", o.Counts())
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"keep one", []string{"--query", "{ a }", "-w", "x.yaml"}},
		{"belong to --query", []string{"--variables", "{}"}},
		{"--query says what is sent", []string{"--query", "{ a }", "--mutations", "0.1"}},
		{"command line", []string{"--query", "{"}},
	} {
		if _, err := execute(t, t.Context(), append([]string{"run", o.URL()}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}

package admin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirproxy/weir/cache"
)

// names are those of a schema with the types City and Country, both in the union Place, and of one tenant.
var names = Names{
	Types: func(name string) ([]string, bool) {
		switch name {
		case "City", "Country":
			return []string{name}, true
		case "Place":
			return []string{"City", "Country"}, true
		}
		return nil, false
	},
	Tenant: func(id string) (string, bool) { return "@tenant:h(" + id + ")", true },
}

func TestNamesOfAnInvalidation(t *testing.T) {
	for body, want := range map[string]cache.Invalidation{
		`{"types":["Place"],"tags":["x"]}`:              {Tags: []string{"x", "City", "Country"}},
		`{"patterns":["City:*","Query.*(1)","City:5"]}`: {Tags: []string{"City:5"}, Patterns: []string{"City:*", "Query.*(1)"}},
		`{"operations":["Front"],"soft":true}`:          {Tags: []string{"@op:Front"}, Soft: true},
		`{"tenants":["acme"]}`:                          {Tags: []string{"@tenant:h(acme)"}},
		`{"all":true}`:                                  {All: true},
		`{"all":true,"confirm":"all"}`:                  {All: true},
	} {
		inv, problem := Parse([]byte(body), names)
		if problem != "" || fmt.Sprint(inv) != fmt.Sprint(want) {
			t.Errorf("%s: %+v %s", body, inv, problem)
		}
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{"types":["Town"]}`:                                    "no object type",
		`{"patterns":["*"]}`:                                    `{"all":true}`,
		`{"patterns":["**"]}`:                                   "matches everything",
		`{"patterns":["*:5"]}`:                                  "begins with *",
		`{"patterns":[""]}`:                                     "empty",
		`{"patterns":["@op:*"]}`:                                "only tags of Weir",
		`{"prefixes":["@"]}`:                                    "only tags of Weir",
		`{"tags":["@op:Front"]}`:                                "use operations",
		`{"operations":[""]}`:                                   "its hash",
		`{"tenants":[""]}`:                                      "empty",
		`{"all":true,"tags":["a"]}`:                             "everything and parts",
		`{"all":true,"confirm":"yes"}`:                          "all alone",
		`{"tags":["a"],"confirm":"all"}`:                        "all alone",
		`{"types":["@op:x"]}`:                                   "only tags of Weir",
		`{"all":false}`:                                         "names nothing",
		`{"everything":true}`:                                   "unknown field",
		`{"operations":["` + strings.Repeat("a", 201) + `"]}`:   "200 bytes",
		`{"prefixes":["a"` + strings.Repeat(`,"a"`, 256) + `]}`: "256 prefixes",
		`{"tags":["a"` + strings.Repeat(`,"a"`, 10_000) + `]}`:  "10000 names",
		`{"patterns":["` + strings.Repeat("a", 600) + `*"]}`:    "longer than 512",
	} {
		if _, problem := Parse([]byte(body), names); !strings.Contains(problem, want) {
			t.Errorf("%.60s: %q", body, problem)
		}
	}
	if _, problem := Parse([]byte(`{"tags":["a"],"operations":["Front"]}`), Names{Shared: true}); !strings.Contains(problem, "supergraph mode") {
		t.Errorf("entries that operations share: %q", problem)
	}
	if _, problem := Parse([]byte(`{"tenants":["a"]}`), Names{}); !strings.Contains(problem, "policy.scope") {
		t.Errorf("no scope rules: %q", problem)
	}
	if inv, problem := Parse([]byte(`{"types":["Town"]}`), Names{}); problem != "" || len(inv.Tags) != 1 {
		t.Errorf("no schema: %q", problem)
	}
}

func TestTagsAreShown(t *testing.T) {
	asked := ""
	r := start(t, func(s *Sources) {
		s.Tags = func(prefix string, top int) ([]cache.TagUse, int64) {
			asked = fmt.Sprint(prefix, " ", top)
			return []cache.TagUse{{Name: "City:5", Entries: 3, Bytes: 700}}, 0
		}
	})
	if status, body, _ := r.call(t, "GET", "/cache/tags?prefix=City:&top=7", ""); status != 200 || asked != "City: 7" || !strings.Contains(body, `"tag": "City:5"`) {
		t.Errorf("%d %s, asked for %s", status, body, asked)
	}
	if r.call(t, "GET", "/cache/tags", ""); asked != " 50" {
		t.Errorf("asked for %q", asked)
	}
	off := start(t, nil)
	if status, _, h := off.call(t, "GET", "/cache/tags", ""); status != 409 || h.Get("Weir-Error") != "cache.off" {
		t.Errorf("cache off: %d", status)
	}
}

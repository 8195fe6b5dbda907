package config

import (
	"strings"
	"testing"
)

func TestStructuralMistakesAreAllToldAtOnce(t *testing.T) {
	_, _, err := compile(t, "upsteam: a\nlisten: 5\npolicy:\n  cach: {}\n  strict: 5\n  max_body: [1]\n  paths: [a, {b: c}]\nlisten: [a]\n")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`:1:1: upsteam: unknown field; did you mean upstream?`, `:2:9: listen: is not a list`, `:4:3: policy.cach: unknown field; did you mean cache?`,
		`:5:11: policy.strict: 5 is neither true nor false`, `:6:13: policy.max_body: is a list or a mapping`, `:7:14: policy.paths[1]: is a list`,
		`:8:1: listen: is given twice`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %s in\n%v", want, err)
		}
	}
}

func TestWhatIsDoneTooOftenIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"upstream: http://a:1\nusage_interval: 1ns\n":          "2:17: usage_interval: 1ns is too often; write 1s or more, or 0 for never",
		"upstream: http://a:1\nusage_interval: 999ms\n":        "2:17: usage_interval: 999ms is too often",
		"upstream: http://a:1\nusage_interval: -1s\n":          "2:17: usage_interval: -1s is out of range",
		"upstream: http://a:1\nintrospection_interval: 1ns\n":  "2:25: introspection_interval: 1ns is too often; write 10ms or more, or 0 for never",
		"supergraph: { file: a.graphql,\n  watch: 1ns }\n":     "2:10: supergraph.watch: 1ns is too often; write 100ms or more, or 0 for never",
		"upstream: http://a:1\nusage_interval: 1s\n":           "",
		"upstream: http://a:1\nusage_interval: 0\n":            "",
		"upstream: http://a:1\nintrospection_interval: 10ms\n": "",
	} {
		_, _, err := compile(t, text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), ":"+want)) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestHostileDocumentsAreRefusedAndEndNothing(t *testing.T) {
	deep := strings.Builder{}
	for i := range 1000 {
		deep.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, text := range map[string]string{
		"brackets": "policy: " + strings.Repeat("[", 300_000), "braces": "policy: " + strings.Repeat("{a: ", 200_000),
		"dashes": strings.Repeat("- ", 400_000), "questions": strings.Repeat("? ", 400_000), "indent": deep.String(),
		"anchors": "policy: &a\n  paths: [x]\nadmin: *a\n", "merge": "<<: {admin: b}\n",
		"lines": "policy:" + strings.Repeat("\n", 100_000), "returns": "policy: |\n " + strings.Repeat("\r", 1000), "size": "#" + strings.Repeat("x", 70_000),
	} {
		if _, err := ParsePolicy("pushed", []byte(text), DefaultPolicy()); err == nil || len(err.Error()) > 4000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPartWithoutKeysKeepsItsDefaults(t *testing.T) {
	_, v, err := compile(t, "upstream: http://a:1\npolicy:\n  cache:\n  limits:\n    # depth: {max: 7}\n")
	if err != nil || v.Policy.Cache.MaxTTL == 0 || v.Plans.Options.Limits.Depth != 50 {
		t.Errorf("%v %+v", err, v)
	}
}

func TestWhatCannotWorkIsToldBeforeTheStart(t *testing.T) {
	for text, want := range map[string]string{
		"admin: 127.0.0.1:4000\n":                                 "admin: \"127.0.0.1:4000\" is a listener for clients too",
		"upstream: http://127.0.0.1:4000\n":                       "upstream: is the sidecar's own listener",
		"public_key: abc\n":                                       "public_key: is no Ed25519",
		"policy: {cache: {vary: [Cookie]}}\n":                     "policy.cache.vary[0]: cookie tells every client apart",
		"policy: {cache: {default_max_age: 1500ms}}\n":            "has parts of a second",
		"policy: {scope: {header: {name: X, class: everyone}}}\n": "policy.scope.header.class: \"everyone\" is not one of",
		"policy: {scope: {jwt: {secret: \"${S}\"}}}\n":            "policy.scope.jwt.secret: ${S} is not read from the environment",
		"policy: {scope: {key: \"${S}\"}}\n":                      "policy.scope.key: ${S}",
	} {
		if !strings.Contains(text, "upstream") {
			text = "upstream: http://a:1\n" + text
		}
		if _, _, err := compile(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

package proxy

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// yamlSDL is a document with a supergraph.
func yamlSDL(sdl string) string {
	return "supergraph:\n  sdl: |\n    " + strings.ReplaceAll(sdl, "\n", "\n    ") + "\n"
}

func gzipSDL(t *testing.T, sdl string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(sdl)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return "supergraph: { sdl_gzip: " + base64.StdEncoding.EncodeToString(b.Bytes()) + " }\n"
}

func TestASupergraphIsPushed(t *testing.T) {
	r, file, urls := pair(t, "0")
	const query, answer = "{ a b }", `{"data":{"a":1,"b":1}}`
	ok := func(when string) {
		t.Helper()
		if got := ask(http.DefaultClient, r.address, query); got != answer {
			t.Errorf("%s: %s", when, got)
		}
	}
	knows := func(field string) bool {
		return strings.Contains(ask(http.DefaultClient, r.address, `{ __type(name: \"Query\") { fields { name } } }`), `"`+field+`"`)
	}
	with := func(field string) string {
		return strings.Replace(two(urls, "b", "a"), "{ a:", "{ "+field+": Int @join__field(graph: A) a:", 1)
	}
	ok("first")
	if err := r.push(1, yamlSDL(with("c"))+"policy: { expose: true }\n"); err != nil {
		t.Fatal(err)
	}
	if st := r.policies.load().Plans.Stats(); st.Misses != 0 {
		t.Errorf("%d misses", st.Misses)
	}
	ok("pushed")
	if st := r.policies.load().Plans.Stats(); st.Misses != 0 || !knows("c") || !r.policies.load().Expose || r.metric("weir_supergraph_pushed") != 1 {
		t.Errorf("%d requests waited for their plan; %+v", st.Misses, r.policies.load().Expose)
	}
	held := r.policies.load()
	for text, want := range map[string]string{
		yamlSDL("type {"):                                   "supergraph.sdl:1:6: Expected Name, found {",
		gzipSDL(t, "type {"):                                "supergraph.sdl:1:6: Expected Name, found {",
		"supergraph: { sdl: 5":                              "version 2:",
		"supergraph: { sdl: x, sdl_gzip: eA== }":            "supergraph.sdl: sdl_gzip has a supergraph, too",
		"supergraph: { sdl_gzip: eA== }":                    "supergraph.sdl_gzip: it is no SDL compressed with gzip",
		"supergraph: { file: x }":                           "version 2:1:",
		yamlSDL(with("e")) + "policy: { max_body: much }\n": `policy.max_body: "much"`,
		yamlSDL(with("e")) + "policy: {scope: {jwt: {public_key_file: /none.pem, algorithms: [RS256], claim: sub, class: user}}}\n": "policy.scope",
	} {
		if err := r.push(2, text); err == nil || !strings.Contains(err.Error(), want) || r.policies.load() != held {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
	ok("refused")
	replace(t, file, with("d"))
	r.supergraphs.renew(r.policies.setFederation)
	if knows("d") || !knows("c") {
		t.Error("the file came in the way of what was pushed")
	}
	if err := r.push(3, gzipSDL(t, with("e"))); err != nil || !knows("e") || knows("c") {
		t.Error("compressed", err)
	}
	ok("compressed")
	if err := r.push(4, "policy: {}\n"); err != nil || !knows("d") || r.metric("weir_supergraph_pushed") != 0 {
		t.Error("the file's is not in force again", err)
	}
	replace(t, file, with("f"))
	r.supergraphs.renew(r.policies.setFederation)
	if ok("the file's"); !knows("f") {
		t.Error("the file is not looked at any more")
	}
	if err := r.push(5, yamlSDL(with("f"))); err != nil || !knows("f") {
		t.Error("the same one", err)
	}
}

func TestAnUpstreamTakesNoSupergraph(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	if err := r.push(1, yamlSDL("type Query { a: Int }")); err == nil || !strings.Contains(err.Error(), "supergraph.file") {
		t.Error(err)
	}
}

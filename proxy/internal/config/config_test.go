package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"

	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

func compile(t *testing.T, text string) (*Static, *Values, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, src, err := ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	return Compile(f, src, os.LookupEnv)
}

func TestDefaultsAreValidAndASilentDocumentKeepsThem(t *testing.T) {
	for _, text := range []string{"upstream: http://127.0.0.1:1\n", "upstream: http://127.0.0.1:1\npolicy:\n  limits:\n    depth: {max: 7}\n"} {
		s, v, err := compile(t, text)
		if err != nil {
			t.Fatal(err)
		}
		p := v.Policy
		if s.Drain != 25*time.Second || s.MaxHead != 64<<10 || p.MaxBody != 1<<20 || p.MaxBatch != 10 || p.BatchMode != policy.Enforce ||
			p.Limits.Depth != policy.Enforce || p.Limits.Tokens != policy.Enforce || !p.Cache.Enabled || p.Service != "graphql" {
			t.Errorf("%q: %+v %+v", text, s, p)
		}
	}
	_, v, _ := compile(t, "upstream: http://127.0.0.1:1\npolicy:\n  limits:\n    depth: {max: 7}\n")
	if v.Plans.Options.Limits.Depth != 7 || v.Plans.Options.Limits.Tokens != 10_000 {
		t.Errorf("%+v", v.Plans.Options.Limits)
	}
}

func TestProblemsAreNamedWithPlaceAndCureAllAtOnce(t *testing.T) {
	text := `listen: [127.0.0.1, "unix:"]
upstream: ftp://x
cache: maybe
log: {level: loud}
policy:
  paths: [graphql]
  max_body: 1MB
  validation: always
  limits:
    depth: {max: 0}
  deadlines:
    head: soon
    idle: 9000h
  cache:
    vary: ["a b"]
`
	_, _, err := compile(t, text)
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("%v", err)
	}
	got := strings.ReplaceAll(err.Error(), ps[0].File, "weir.yaml")
	for _, want := range []string{
		`weir.yaml:1:10: listen[0]: "127.0.0.1" is no address; write HOST:PORT`,
		`weir.yaml:1:21: listen[1]: "unix:" has no path`,
		`weir.yaml:2:11: upstream: "ftp://x" is no address of a service; write http://HOST:PORT`,
		`weir.yaml:3:8: cache: "maybe" is not one of on, off`,
		`weir.yaml:4:14: log.level: "loud" is not one of debug`,
		`weir.yaml:6:11: policy.paths[0]: "graphql" is no path`,
		`weir.yaml:7:13: policy.max_body: "1MB" is no size`,
		`weir.yaml:8:15: policy.validation: "always" is no mode`,
		`weir.yaml:10:18: policy.limits.depth.max: 0 is out of range`,
		`weir.yaml:12:11: policy.deadlines.head: "soon" is no duration`,
		`weir.yaml:13:11: policy.deadlines.idle: 9000h is out of range`,
		`weir.yaml:15:12: policy.cache.vary[0]: "a b" is no header name`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if len(ps) != 12 {
		t.Errorf("%d problems:\n%s", len(ps), got)
	}
}

func TestWhatIsNoConfigurationIsRefusedWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"upstreem: x\n":                                                                          ":1:1: upstreem: unknown field; did you mean upstream?",
		"policy:\n  limits:\n    dept: 3\n":                                                      ":3:5: policy.limits.dept: unknown field; did you mean depth?",
		"upstream: [a]\n":                                                                        ":1:1",
		"pprof: sure\n":                                                                          ":1:8",
		"upstream: http://x:1\nupstream: b\n":                                                    ":2:1: upstream: is given twice",
		"a: [\n":                                                                                 ":1:4",
		"---\nlisten: []\n---\nlisten: []\n":                                                     "2 documents",
		"listen: []\nupstream: http://a:1\n":                                                     "listen: is empty",
		"upstream: http://a:1/graphql\n":                                                         "more than an address",
		"upstream: http://a:1\ntoken: ${NO_SUCH_VARIABLE}\n":                                     "the environment has no ${NO_SUCH_VARIABLE}",
		"upstream: http://a:1\nupstream_ca: ca.pem\n":                                            ":2:14: upstream_ca: is for an https upstream only",
		"upstream: unix:/a\nupstream_server_name: a\n":                                           ":2:23: upstream_server_name: is for an https upstream only",
		"upstream: http://a:1\nredis_tls: {ca: a}\n":                                             ":2:12: redis_tls: has no use without redis",
		"upstream: http://a:1\nredis_db: 1\nredis: [a:1, b:1]\n":                                 ":2:11: redis_db: is 1; a cluster has only database 0",
		"upstream: http://a:1\nredis: a:1\nredis_tls: {cert: a}\n":                               "redis_tls: has only one of cert and key",
		"upstream: http://a:1\nredis: a:1\nredis_cluster: true\nredis_master: m\n":               ":3:16: redis_cluster: cannot stand beside redis_master",
		"upstream: http://a:1\nnamespace: '{a}'\n":                                               `namespace: "{a}" is no name`,
		"upstream: http://a:1\ncache_compression: {codec: gzip}\n":                               `:2:28: cache_compression.codec: "gzip" is not one of s2, zstd, none`,
		"upstream: http://a:1\ncache_encryption: {keys: [{id: a, key: short}]}\n":                ":2:40: cache_encryption.keys[0].key: is no key",
		"upstream: http://a:1\ncache_encryption: {keys: [{id: a}]}\n":                            "cache_encryption.keys[0]: has none or both of key and file",
		"upstream: http://a:1\ncache_encryption: {keys: [{id: a, file: f}, {id: a, file: g}]}\n": `cache_encryption.keys[1].id: "a" is given twice`,
		"upstream: http://a:1\nkafka_tls: {}\n":                                                  ":2:12: kafka_tls: has no use without kafka",
		"upstream: http://a:1\nkafka: a:1\nkafka_tls: {key: a}\n":                                "kafka_tls: has only one of cert and key",
		"upstream: http://a:1\nkafka: a:1\nkafka_sasl: {mechanism: plain}\n":                     `:3:25: kafka_sasl.mechanism: "plain" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512`,
		"upstream: http://a:1\nkafka: a:1\nkafka_sasl: {mechanism: PLAIN, username: a}\n":        "kafka_sasl: has none or both of password and password_file",
		"upstream: http://a:1\nkafka: a:1\nkafka_sasl: {mechanism: PLAIN, username: a, username_file: b, password: c}\n": "kafka_sasl: has none or both of username and username_file",
		"upstream: http://a:1\nkafka: a:1\nkafka_sasl: {mechanism: PLAIN, username: a, password: '${NO_SUCH}'}\n":        "kafka_sasl.password: the environment has no ${NO_SUCH}",
		"": "upstream: is missing",
	} {
		if _, _, err := compile(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, _, err := ReadFile("/nonexistent"); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestPushedDocumentHasOnlyThePolicy(t *testing.T) {
	v, err := ParsePolicy("pushed", []byte("policy:\n  cache: {default_max_age: 30s}\n  validation: enforce\n"), DefaultPolicy())
	if err != nil || v.Plans.Options.DefaultMaxAge != 30 || v.Policy.Validation != policy.Enforce || v.Policy.MaxBody != 1<<20 {
		t.Errorf("%v %+v", err, v)
	}
	if _, err := ParsePolicy("pushed", []byte("listen: [a:1]\n"), DefaultPolicy()); err == nil || !strings.Contains(err.Error(), "pushed:1:1: listen: cannot be pushed") {
		t.Errorf("static keys in a push: %v", err)
	}
	if _, err := ParsePolicy("pushed", []byte("policy: {max_body: x}\n"), DefaultPolicy()); err == nil || !strings.Contains(err.Error(), "pushed:1:20: policy.max_body:") {
		t.Errorf("%v", err)
	}
}

func TestPushLeavesWhatItIsSilentAboutAsTheFileSays(t *testing.T) {
	base := DefaultPolicy()
	base.Cache.Vary, base.Paths = []string{"accept-language"}, []string{"/api"}
	base.Scope.Header = &scope.Header{Name: "x-tenant", Class: "tenant", VouchedBy: &scope.Vouched{Networks: []string{"10.0.0.0/8"}}}
	v, err := ParsePolicy("pushed", []byte("policy: {expose: true, scope: {header: {name: x-org}}, limits: {depth: {max: 9}}}\n"), base)
	if err != nil {
		t.Fatal(err)
	}
	p := v.Policy
	if !p.Expose || string(p.Paths[0]) != "/api" || p.Cache.Vary[0] != "accept-language" || v.Scope.Header.Name != "x-org" ||
		v.Plans.Options.Limits.Depth != 9 || p.Limits.Depth != policy.Enforce {
		t.Errorf("%+v %+v", p, v.Scope.Header)
	}
	if base.Scope.Header.Name != "x-tenant" {
		t.Error("the push changed the file's policy")
	}
}

func TestUpstreamsAreRead(t *testing.T) {
	for text, want := range map[string]Upstream{
		"http://a":           {Address: "a:80", Host: "a"},
		"https://a:8443/":    {Address: "a:8443", TLS: true, Host: "a:8443"},
		"https://a":          {Address: "a:443", TLS: true, Host: "a"},
		"unix:/run/app.sock": {Address: "unix:/run/app.sock", Host: "localhost"},
		"http://[::1]:4001":  {Address: "[::1]:4001", Host: "[::1]:4001"},
	} {
		s, _, err := compile(t, "upstream: "+text+"\n")
		if err != nil || s.Upstream != want {
			t.Errorf("%s: %+v %v", text, s, err)
		}
	}
}

func TestAddressesAreAListOrOneString(t *testing.T) {
	for _, text := range []string{"redis: [a:1, b:2]\n", "redis: a:1,b:2\n", "redis: \"a:1, b:2\"\n"} {
		s, _, err := compile(t, "upstream: http://a:1\n"+text)
		if err != nil || len(s.File.Redis) != 2 || s.File.Redis[1] != "b:2" {
			t.Errorf("%q: %v %v", text, s, err)
		}
	}
	if _, _, err := compile(t, "upstream: http://a:1\nredis: {a: 1}\n"); err == nil || !strings.Contains(err.Error(), ":2:8") {
		t.Errorf("a map: %v", err)
	}
}

func TestSecretsComeFromTheEnvironmentAndAreHidden(t *testing.T) {
	t.Setenv("WEIR_TEST_SECRET", "geheim")
	s, _, err := compile(t, "upstream: http://a:1\ntoken: ${WEIR_TEST_SECRET}\nredis_password: abc\nkafka: a:1\nkafka_sasl: {mechanism: PLAIN, username: u, password: '${WEIR_TEST_SECRET}'}\npolicy: {scope: {key: k, jwt: {secret: s3, class: user, claim: sub, algorithms: [HS256], issuer: a}, issuers: [{issuer: b, secret: s4, class: user, claim: sub, algorithms: [HS256]}], header: {name: X, class: user, vouched_by: {secret_header: Y, secret: s5-0123456789abc}}}}\n")
	if err != nil || s.File.Token != "geheim" || s.File.KafkaSASL.Password != "geheim" {
		t.Fatalf("%v", err)
	}
	shown := string(Redacted(s.File))
	for _, secret := range []string{"geheim", "abc", "s3", "key: k", "s4", "s5"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is shown:\n%s", secret, shown)
		}
	}
	if c := s.File.Policy.Scope; c.JWT.Secret != "s3" || c.Issuers[0].Secret != "s4" || c.Header.VouchedBy.Secret == hidden || s.File.KafkaSASL.Password == hidden {
		t.Error("hiding changed the configuration")
	}
	var again File
	if _, err := decode("shown", []byte(shown), &again); err != nil {
		t.Errorf("what is shown is no configuration: %v", err)
	}
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	properties, _ := s["properties"].(map[string]any)
	for i := range reflect.TypeFor[File]().NumField() {
		key := reflect.TypeFor[File]().Field(i).Tag.Get("yaml")
		if properties[key] == nil {
			t.Errorf("%s is not in the schema", key)
		}
	}
	if s["additionalProperties"] != false {
		t.Error("the schema allows unknown keys")
	}
	described(t, "", s)
}

// described reports keys below one that say nothing of themselves: an editor shows nobody what they are for.
func described(t *testing.T, at string, node map[string]any) {
	t.Helper()
	properties, _ := node["properties"].(map[string]any)
	for key, value := range properties {
		below := value.(map[string]any)
		if below["description"] == nil {
			t.Errorf("%s%s has no description", at, key)
		}
		described(t, at+key+".", below)
	}
	for _, inner := range []string{"items", "additionalProperties"} {
		if below, ok := node[inner].(map[string]any); ok {
			described(t, at+inner+".", below)
		}
	}
}

func TestMutationRulesAreChecked(t *testing.T) {
	schema, err := planner.ParseSchema("s", "type Query { a: A } type A { id: ID } interface N { id: ID } type B implements N { id: ID } type Mutation { setA: A drop: Boolean }")
	if err != nil {
		t.Fatal(err)
	}
	rules := func(fields string) error {
		_, v, err := compile(t, "upstream: http://a:1\npolicy:\n  cache:\n    mutations:\n      fields: ["+fields+"]\n")
		if err != nil {
			return err
		}
		return v.CheckMutations(schema)
	}
	if err := rules("{name: setA, policy: entity}, {name: drop, types: [A, N]}"); err != nil {
		t.Error(err)
	}
	for fields, want := range map[string]string{
		"{name: setB}":                           "policy.cache.mutations.fields[0].name: \"setB\" is no field",
		"{name: drop, types: [A, C]}":            "fields[0].types[1]: \"C\" is no object type",
		"{name: setA, policy: some}":             "write entity, list or type",
		"{name: setA}, {name: setA, only: true}": "given twice",
		"{policy: list}":                         "is missing",
	} {
		if err := rules(fields); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ":5:") {
			t.Errorf("%s: %v", fields, err)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("upstream: http://127.0.0.1:1\npolicy:\n  limits:\n    depth: {max: 7, mode: observe}\n")
	f.Add("listen: [a:1]\nredis: [b:2]\npolicy: {cache: {max_ttl: 5s, vary: [a]}, scope: {header: {name: a, class: user}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file := DefaultFile()
		d, err := decode("f", []byte(text), &file)
		if err != nil {
			return
		}
		s, v, err := Compile(file, &Source{d}, os.LookupEnv)
		if err != nil {
			if err.Error() == "" {
				t.Error("a problem without words")
			}
			return
		}
		if v.Policy.MaxBody <= 0 || len(v.Policy.Paths) == 0 || s.MaxHead <= 0 || s.Upstream.Address == "" {
			t.Errorf("accepted: %+v", v.Policy)
		}
		_ = Redacted(s.File)
	})
}

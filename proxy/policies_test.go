package proxy

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
)

// push is what the agent does with a snapshot.
func (r *rig) push(version uint64, text string) error {
	return r.policies.apply(r.t.Context(), agent.Snapshot{Version: version, Hash: "hash", Config: []byte(text), Source: agent.SourceStream})
}

func TestRefusedPushChangesNothing(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	if err := r.push(3, "policy: {expose: true, cache: {max_ttl: 1m}}"); err != nil {
		t.Fatal(err)
	}
	held := r.policies.load()
	if held.Version != 3 || !held.Expose || held.Cache.MaxTTL != time.Minute || held.Cache.StaleIfError != 10*time.Minute {
		t.Errorf("%+v", held.Cache)
	}
	for name, c := range map[string]struct{ text, want string }{
		"a wrong value":         {"policy:\n  expose: false\n  max_body: much\n", `version 4:3:13: policy.max_body: "much"`},
		"an unknown key":        {"policy:\n  exposed: true\n", "version 4:2:3"},
		"a key of the process":  {"upstream: http://127.0.0.1:1\n", "version 4:1:1"},
		"no YAML":               {"policy: [", "version 4:"},
		"a key that is missing": {"policy: {scope: {jwt: {public_key_file: /none.pem, algorithms: [RS256], claim: sub, class: user}}}", "policy.scope"},
	} {
		err := r.push(4, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if r.policies.load() != held {
			t.Errorf("%s: another policy is in force", name)
		}
	}
	if v, n := r.metric("weir_config_version"), r.metric("weir_config_refused_total"); v != 3 || n != 5 {
		t.Errorf("version %v, %v refused", v, n)
	}
	r.policies.setSchema(held.Plans.Schema()) // what is made anew is made of what was in force
	if now := r.policies.load(); now.Version != 3 || !now.Expose {
		t.Errorf("version %d, expose %v", now.Version, now.Expose)
	}
	if err := r.push(5, "policy: {}"); err != nil {
		t.Fatal(err)
	}
	if now := r.policies.load(); now.Version != 5 || now.Expose || now.Cache.MaxTTL != 24*time.Hour {
		t.Errorf("a push that is silent does not fall back to the file: %+v", now)
	}
}

// TestPushThatWouldSharePrivateDataIsRefused, and a schema that comes later takes nothing from anybody.
func TestPushThatWouldSharePrivateDataIsRefused(t *testing.T) {
	const private = "type Book @cacheControl(maxAge: 60, scope: PRIVATE) { id: ID! title: String }\ntype Query { book(id: ID!): Book }\n"
	r := start(t, configuration(t, newOrigin(t).URL, func(f *config.File) { write(t, f.Schema, private) }))
	const shared = "policy:\n  scope:\n    ignore_cookies: true\n    types:\n      Book: public\n"
	if err := r.push(1, shared); err == nil || !strings.Contains(err.Error(), "version 1:5:13: policy.scope.types.Book: would share type Book, which is PRIVATE by the schema") {
		t.Errorf("%v", err)
	}
	open, err := planner.ParseSchema("open", strings.ReplaceAll(private, ", scope: PRIVATE", ""))
	if err != nil {
		t.Fatal(err)
	}
	closed, err := planner.ParseSchema("closed", private+"# again\n")
	if err != nil {
		t.Fatal(err)
	}
	r.policies.setSchema(open)
	if err := r.push(2, shared); err != nil {
		t.Error(err)
	}
	r.hit("Open")
	r.policies.setSchema(closed)
	if r.log.count("does not fit the new schema") != 1 {
		t.Error("nothing is told of a schema that the policy does not fit")
	}
	for range 3 {
		if a, _ := r.query("Closed"); strings.Contains(a.Header.Get("Cache-Status"), "; hit") {
			t.Errorf("what the schema marks PRIVATE is shared: %v", a.Header)
		}
	}
}

// TestCacheOffStaysOff: what the process has not got cannot be pushed.
func TestCacheOffStaysOff(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, func(f *config.File) { f.Cache = "off" }))
	if err := r.push(1, "policy: {cache: {enabled: true}}"); err != nil {
		t.Fatal(err)
	}
	r.policies.command([]agent.Command{{ID: "c1", Kind: agent.KindInvalidate, Params: map[string]string{"types": "Book"}}})
	for range 3 {
		if a, _ := r.query("Off"); a.StatusCode != http.StatusOK || a.Header.Get("Cache-Status") != "" {
			t.Errorf("%d %v", a.StatusCode, a.Header)
		}
	}
	if _, text := do(t, r.admin, http.MethodGet, "/cache/stats", ""); !strings.Contains(text, "off") {
		t.Errorf("/cache/stats: %s", text)
	}
}

// TestPlansAreKeptWhenNothingAboutThemChanges: a push or a command does not make requests parse again.
func TestPlansAreKeptWhenNothingAboutThemChanges(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	r.hit("Kept")
	plans := r.policies.load().Plans
	if err := r.push(1, "policy: {expose: true}"); err != nil {
		t.Fatal(err)
	}
	r.policies.command([]agent.Command{{ID: "c1", Kind: agent.KindServeStale, Operation: "Kept"}})
	if r.policies.load().Plans != plans {
		t.Error("the plans were thrown away")
	}
	if err := r.push(2, "policy: {limits: {depth: {max: 7}}}"); err != nil {
		t.Fatal(err)
	}
	now := r.policies.load().Plans
	if now == plans {
		t.Error("plans of another limit go on")
	}
	if n := now.Stats().Plans; n != 1 {
		t.Errorf("%d plans were built again, want 1", n)
	}
}

func TestRatesGoOnOverRecompiles(t *testing.T) {
	o := newOrigin(t)
	r := start(t, configuration(t, o.URL, nil))
	limit := agent.Command{
		ID: "c1", Generation: 1, Kind: agent.KindRateLimit, Operation: "Limited",
		Params: map[string]string{"per_second": "0.001", "burst": "2"}, Expires: time.Now().Add(time.Hour),
	}
	status := func() int { a, _ := r.query("Limited"); return a.StatusCode }
	r.policies.command([]agent.Command{limit})
	if a, b := status(), status(); a != http.StatusOK || b != http.StatusOK {
		t.Errorf("the burst: %d %d", a, b)
	}
	schema, err := planner.ParseSchema("more.graphql", sdl+"type More { a: Int }")
	if err != nil {
		t.Fatal(err)
	}
	other := agent.Command{ID: "c2", Generation: 2, Kind: agent.KindBypassCache, Operation: "Other", Expires: limit.Expires}
	for name, change := range map[string]func(){
		"nothing":         func() {},
		"a push":          func() { _ = r.push(1, "policy: {expose: true}") },
		"a schema":        func() { r.policies.setSchema(schema) },
		"another command": func() { r.policies.command([]agent.Command{limit, other}) },
		"the set again":   func() { r.policies.command([]agent.Command{limit}) },
	} {
		change()
		if s := status(); s != http.StatusTooManyRequests {
			t.Errorf("after %s: %d", name, s)
		}
	}
	limit.Params = map[string]string{"per_second": "0.001", "burst": "1"}
	limit.Generation = 3
	r.policies.command([]agent.Command{limit})
	if a, b := status(), status(); a != http.StatusOK || b != http.StatusTooManyRequests {
		t.Errorf("a new rate: %d %d", a, b)
	}
	r.policies.command(nil)
	if s := status(); s != http.StatusOK {
		t.Errorf("after the end: %d", s)
	}
	if n := r.metric("weir_commands_applied_total"); n != 3 {
		t.Errorf("%v commands came into force, want 3", n)
	}
	if begun, ended := r.log.count("command in force"), r.log.count("command ended"); begun != 3 || ended != 2 {
		t.Errorf("the log tells of %d that came and %d that went", begun, ended)
	}
}

func TestInvalidationIsObeyedOncePerGeneration(t *testing.T) {
	o := newOrigin(t)
	r := start(t, configuration(t, o.URL, nil))
	r.hit("Invalidated")
	fetched := o.requests.Load()
	c := agent.Command{ID: "c1", Generation: 1, Kind: agent.KindInvalidate, Params: map[string]string{"types": "Book"}, Expires: time.Now().Add(time.Hour)}
	asked := func() float64 { return r.metric("weir_cache_invalidations_total") }
	for _, step := range []struct {
		name string
		set  []agent.Command
		want float64 // invalidations
	}{
		{"observed", []agent.Command{{ID: "c0", Kind: c.Kind, Params: c.Params, Observe: true}}, 0},
		{"new", []agent.Command{c}, 1},
		{"again", []agent.Command{c}, 1},
		{"beside another one", []agent.Command{c, {ID: "c2", Generation: 2, Kind: agent.KindServeStale}}, 1},
		{"a new generation", []agent.Command{{ID: "c1", Generation: 3, Kind: c.Kind, Params: c.Params}}, 2},
		{"an older generation", []agent.Command{c}, 2},
		{"gone", nil, 2},
	} {
		r.policies.command(step.set)
		if n := asked(); n != step.want {
			t.Errorf("%s: %v invalidations, want %v", step.name, n, step.want)
		}
	}
	if n := r.metric("weir_commands_invalidated_total"); n != 2 {
		t.Errorf("%v obeyed, want 2", n)
	}
	r.policies.mu.Lock()
	if n := len(r.policies.obeyed); n != 0 {
		t.Errorf("%d commands that are gone are remembered", n)
	}
	r.policies.mu.Unlock()
	r.hit("Invalidated")
	if n := o.requests.Load(); n != fetched+1 {
		t.Errorf("%d fetches after the invalidation, want 1", n-fetched)
	}
}

// TestKeysThatDoNotComeHoldNothingUp pushes a scope whose key set does not answer: commands and the admin listener go on meanwhile.
func TestKeysThatDoNotComeHoldNothingUp(t *testing.T) {
	asked, release := make(chan struct{}, 10), make(chan struct{})
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		_, _ = w.Write([]byte(`{"keys":[]}`))
	}))
	defer keys.Close()
	defer close(release)
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	pushed := make(chan error, 1)
	go func() {
		pushed <- r.push(1, "policy: {scope: {jwt: {jwks_url: \""+keys.URL+"\", algorithms: [RS256], claim: sub, class: user}}}")
	}()
	<-asked
	r.policies.command([]agent.Command{{ID: "c1", Kind: agent.KindDisableOperation, Operation: "Off"}})
	if a, _ := r.query("Off"); a.Header.Get("Weir-Error") != "lease.disabled" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if _, text := do(t, r.admin, http.MethodGet, "/config", ""); !strings.Contains(text, "c1 disable_operation Off") {
		t.Errorf("/config:\n%s", text)
	}
	if err := <-pushed; err != nil || r.policies.load().Version != 1 || r.policies.load().Scope == nil {
		t.Errorf("%v, version %d", err, r.policies.load().Version)
	}
	if a, _ := r.query("Off"); a.Header.Get("Weir-Error") != "lease.disabled" {
		t.Errorf("after the push: %d %v", a.StatusCode, a.Header)
	}
}

// TestShownConfiguration: what was pushed and commanded, and no secret.
func TestShownConfiguration(t *testing.T) {
	secrets := []string{"redis-secret", "control-secret", "file-secret", "pushed-secret", "pushed-key"}
	r := start(t, configuration(t, newOrigin(t).URL, func(f *config.File) {
		f.Redis, f.RedisPassword = config.List{"127.0.0.1:1"}, secrets[0]
		f.Control, f.Token, f.State = "http://127.0.0.1:1", secrets[1], filepath.Join(t.TempDir(), "state")
		f.Policy.Scope.Key = secrets[2]
	}))
	shown := func() string { _, text := do(t, r.admin, http.MethodGet, "/config", ""); return text }
	if text := shown(); !strings.Contains(text, "source: file") || !strings.Contains(text, "version: 0") || strings.Contains(text, "pushed_policy") {
		t.Errorf("before a push:\n%s", text)
	}
	if err := r.push(9, `policy: {strict: true, scope: {key: "pushed-key", jwt: {secret: pushed-secret, algorithms: [HS256], claim: sub, class: user}}}`); err != nil {
		t.Fatal(err)
	}
	r.policies.command([]agent.Command{{ID: "c1-ab", Kind: agent.KindDisableOperation, Operation: "Export", Expires: time.Unix(2e9, 0)}})
	text := shown()
	_, pushed, _ := strings.Cut(text, "in_force:")
	for _, want := range []string{"version: 9", "hash: hash", "source: control plane", "pushed_policy:", "strict: true", "claim: sub", "c1-ab disable_operation Export until 2033-05-18"} {
		if !strings.Contains(pushed, want) {
			t.Errorf("/config has no %q", want)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("/config shows %s", secret)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

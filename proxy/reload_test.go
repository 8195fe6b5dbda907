package proxy

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// reread is what SIGHUP does when the file is as edit makes it.
func (r *rig) reread(edit func(*config.File)) ([]string, error) {
	return r.Reload(func() (*config.Static, *config.Values, error) {
		f := r.cfg.Static.File
		edit(&f)
		return config.Compile(f, nil, os.LookupEnv)
	})
}

func TestAPolicyThatIsReadAgainTakesEffect(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	r.hit("City")
	if a, _ := r.query("City"); a.Header.Get("Weir-Cost") != "" {
		t.Fatal("the cost is told from the start")
	}
	waits, err := r.reread(func(f *config.File) { f.Policy.Expose, f.Listen = true, config.List{"127.0.0.1:1"} })
	if err != nil || !slices.Equal(waits, []string{"listen"}) {
		t.Errorf("%v %v, want listen to wait for a restart", waits, err)
	}
	if a, _ := r.query("City"); a.Header.Get("Weir-Cost") == "" || !strings.Contains(a.Header.Get("Cache-Status"), "; hit") {
		t.Errorf("%v", a.Header)
	}
	if _, shown := do(t, r.admin, "GET", "/config", ""); !strings.Contains(shown, "expose: true") {
		t.Errorf("/config does not show it:\n%s", shown)
	}
}

func TestAFileThatIsWrongWhenReadAgainChangesNothing(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	held := r.policies.load()
	if _, err := r.reread(func(f *config.File) { f.Policy.MaxBody = "much" }); err == nil || !strings.Contains(err.Error(), "policy.max_body") {
		t.Errorf("%v", err)
	}
	if _, err := r.Reload(func() (*config.Static, *config.Values, error) { return nil, nil, errors.New("no such file") }); err == nil {
		t.Error("no error")
	}
	if r.policies.load() != held {
		t.Error("another policy is in force")
	}
	if n := r.metric("weir_config_refused_total"); n != 2 {
		t.Errorf("%v refused", n)
	}
}

// What was pushed lies over the file, also over one that is read again, and the file shows where a push is silent.
func TestAPushLiesOverAFileThatIsReadAgain(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	if err := r.push(3, "policy: {max_body: 1MiB}"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.reread(func(f *config.File) { f.Policy.Expose, f.Policy.MaxBody = true, "2MiB" }); err != nil {
		t.Fatal(err)
	}
	if p := r.policies.load(); p.Version != 3 || !p.Expose || p.MaxBody != 1<<20 {
		t.Errorf("version %d, expose %v, max_body %d", p.Version, p.Expose, p.MaxBody)
	}
	if err := r.push(4, "policy: {}"); err != nil {
		t.Fatal(err)
	}
	if p := r.policies.load(); p.Version != 4 || !p.Expose || p.MaxBody != 2<<20 {
		t.Errorf("version %d, expose %v, max_body %d", p.Version, p.Expose, p.MaxBody)
	}
}

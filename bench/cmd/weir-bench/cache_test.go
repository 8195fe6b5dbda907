package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/hitratio"
	"github.com/weirproxy/weir/bench/internal/report"
	"github.com/weirproxy/weir/bench/internal/result"
)

// cacheCommand runs weir-bench cache.
func cacheCommand(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	root := newRoot()
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(append([]string{"cache"}, args...))
	err = root.ExecuteContext(t.Context())
	return stdout.String(), err
}

func TestCacheSaysWhatOtherSettingsWouldHaveHit(t *testing.T) {
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	var b strings.Builder
	for i := range 100 { // one key, each second
		fmt.Fprintf(&b, "%d city 1000 5000\n", i)
	}
	if err := os.WriteFile(trace, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "result.json")
	out, err := cacheCommand(t, "--trace", trace, "--memory", "1MiB,8MiB", "--ttl", "10s,1h", "--jitter", "0", "--out", file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "time to live 10s") || !strings.Contains(out, "time to live 1h0m0s") {
		t.Errorf("%s", out)
	}
	f, err := result.ReadAll(file)
	if err != nil || len(f) != 1 || len(f[0].Tables) != 2 || len(f[0].Tables[1].Rows) != 2 {
		t.Fatalf("%v %v", f, err)
	}
	for _, row := range f[0].Tables[1].Rows {
		for _, column := range []int{hitratio.ColumnWeir, hitratio.ColumnLRU, hitratio.ColumnClairvoyant, hitratio.ColumnBound} {
			if row[column] != 99 {
				t.Errorf("of 100 uses of one key 99 are hits: %v", row)
			}
		}
	}
	if row := f[0].Tables[0].Rows[0]; row[hitratio.ColumnLRU] != 90 || row[hitratio.ColumnClairvoyant] != 90 || row[hitratio.ColumnWeir] < 90 {
		t.Errorf("in 10 s 9 of 10 are hits: %v", row)
	}
	var page bytes.Buffer
	if err := report.HTML(&page, f[0], nil); err != nil || !strings.Contains(page.String(), "<svg") || !strings.Contains(page.String(), "clairvoyant") {
		t.Errorf("the report has no plot: %v", err)
	}
}

func TestCacheRefusesWhatItCannotPlay(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "cache takes a trace"},
		{[]string{"--trace", "a", "--kafka", "b:1"}, "cache takes a trace"},
		{[]string{"--trace", "/no/such"}, "no such file"},
		{[]string{"--trace", "zipf:1", "--memory", "1"}, `--memory "1"`},
		{[]string{"--trace", "zipf:1", "--memory", "64MB"}, `--memory "64MB"`},
		{[]string{"--trace", "zipf:1", "--ttl", "0s"}, `--ttl "0s"`},
		{[]string{"--trace", "zipf:1", "--ttl", "long"}, `--ttl "long"`},
		{[]string{"--trace", "zipf:1", "--jitter", "2"}, "--jitter 2"},
		{[]string{"--trace", "zipf:1", "--max-records", "-1"}, "--max-records"},
		{[]string{"--stats", "http://127.0.0.1:1", "--trace", "zipf:1"}, "--stats"},
	} {
		if _, err := cacheCommand(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) || drive.ExitCode(err) != drive.ExitInput {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}

func TestCacheShowsWhatASidecarCounts(t *testing.T) {
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cache/stats" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `{"totals":{"requests":4,"hit_ratio":0.5,"hits":{"l1":1,"stale":1},"misses":{"absent":2},"bypassed":{},"hit_bytes":2048,"saved_seconds":0.5,"saved_usd":0.001},
			"operations":[{"name":"City","requests":4,"hit_ratio":0.5,"hits":{"l1":1,"stale":1},"misses":{"absent":2},"hit_bytes":2048,"saved_seconds":0.5,"saved_usd":0.001}],"tenants":[]}`)
	}))
	defer admin.Close()
	out, err := cacheCommand(t, "--stats", admin.URL)
	if err != nil || !strings.Contains(out, "City") || !strings.Contains(out, "50") {
		t.Errorf("%v\n%s", err, out)
	}
	admin.Close()
	if _, err := cacheCommand(t, "--stats", admin.URL); err == nil {
		t.Error("nobody answered")
	}
}

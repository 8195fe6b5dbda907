package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/drive"
)

func TestProfileSaysBeforeTheLoadWhatCannotBe(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "weir.pgo")
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{nil, "profile needs a file to write: weir-bench profile --out proxy/cmd/weir/default.pgo", drive.ExitInput},
		{[]string{"--out", dir}, "is a folder; name a file", drive.ExitInput},
		{[]string{"--out", filepath.Join(dir, "no", "weir.pgo")}, "no such file or directory", drive.ExitInput},
		{[]string{"--out", file, "--seconds", "0"}, "0 seconds; it is 1 to 300", drive.ExitInput},
		{[]string{"--out", file, "--roles", "hit,hits"}, `no role "hits"; there are hit, hit-kafka,`, drive.ExitInput},
		{[]string{"--out", file}, "make build makes it", 1},
	} {
		_, err := execute(t, t.Context(), append([]string{"profile"}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || drive.ExitCode(err) != c.code {
			t.Errorf("%v: %v with %d, want %q with %d", c.args, err, drive.ExitCode(err), c.want, c.code)
		}
	}
	help, err := execute(t, t.Context(), "profile", "--help")
	if err != nil || !strings.Contains(help, "\n  miss-redis  misses with Redis behind\n") || !strings.Contains(help, "weir-bench profile --out proxy/cmd/weir/default.pgo\n") {
		t.Errorf("%v\n%s", err, help)
	}
}

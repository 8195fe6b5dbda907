package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOriginTakesItsConditionsFromFlagsAndFiles(t *testing.T) {
	dir := t.TempDir()
	faults, broken, schema, socket := filepath.Join(dir, "faults.json"), filepath.Join(dir, "broken.json"), filepath.Join(dir, "s.graphql"), filepath.Join(dir, "o.sock")
	for path, text := range map[string]string{faults: `{"rules":["html@0.1"]}`, broken: `{"rules":["rset"]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it starts, says where, and ends
	for _, c := range []struct {
		args []string
		want string // in the output, or in the error
	}{
		{[]string{"--listen", "unix:" + socket, "--generate", "types=2", "--seed", "7", "--write-schema", schema}, "origin on unix:" + socket + ", path /graphql"},
		{[]string{"--listen", "127.0.0.1:0", "--faults-file", faults, "--latency", "stall:1s/10s", "--burn", "City.rank=5us", "--size", "4KiB"}, "origin on http://127.0.0.1:"},
		{[]string{"--listen", "127.0.0.1:0", "--fault", "5s..6s:reset=mid-body@0.2#query.city", "--latency", "5ms#mutation"}, "origin on http://"},
		{[]string{"--faults-file", faults, "--down"}, "use one of them"},
		{[]string{"--listen", "127.0.0.1:0", "--faults-file", broken}, `kind "rset" is unknown`},
		{[]string{"--faults-file", filepath.Join(dir, "absent")}, "no such file"},
		{[]string{"--fault", "rset"}, "write [FROM..TO"},
		{[]string{"--latency", "slow"}, "write for instance 250us"},
		{[]string{"--burn", "City.x=1us"}, "TYPE.FIELD"},
		{[]string{"--size", "x"}, "16KiB or 10MB"},
		{[]string{"--generate", "types=0"}, "types is 1 to 200"},
	} {
		out, err := execute(t, ctx, append([]string{"origin"}, c.args...)...)
		if err != nil {
			out += err.Error()
		}
		if !strings.Contains(out, c.want) {
			t.Errorf("%v: %s, want %q", c.args, out, c.want)
		}
	}
	if raw, err := os.ReadFile(schema); err != nil || !strings.Contains(string(raw), "type T1 implements Entity") {
		t.Errorf("%s %v", raw, err)
	}
}

func TestHelpOfOriginShowsEveryKindOfFault(t *testing.T) {
	out, err := execute(t, t.Context(), "origin", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"reset[=before-head|in-head|mid-body]", "status=CODE[,json|html|empty]", "lognormal:p50=V,p99=V", "/_origin/truth", "--generate", "stall:1s/10s"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

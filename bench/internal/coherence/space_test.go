package coherence

import (
	"strings"
	"testing"
)

// Where namespaces are refused the result says so; who asks for one gets none of the scenes without it.
func TestWithoutNamespaces(t *testing.T) {
	t.Setenv("PATH", "") // there is no ip
	var said strings.Builder
	g := &stage{cfg: &Config{Out: &said}}
	host, err := g.apart()
	if err != nil || host != loopback || g.space != nil {
		t.Fatalf("%q %v, namespace %v", host, err, g.space)
	}
	for _, text := range []string{said.String(), (&Outcome{Cut: g.cut}).String()} {
		if !strings.Contains(text, "NOT by a network namespace") || !strings.Contains(text, ipProgram) {
			t.Errorf("it does not say how the sidecar is cut off, and why: %q", text)
		}
	}
	cfg := Config{Out: &said, NeedSpace: true}
	if _, err := (&stage{cfg: &cfg}).apart(); err == nil {
		t.Error("a namespace that is needed is done without")
	}
	out, err := Run(t.Context(), cfg)
	if out != nil || err == nil || !strings.Contains(err.Error(), "run this as root") {
		t.Errorf("%v, %v", out, err)
	}
}

package origintest

import (
	"testing"

	"github.com/weirproxy/weir/bench/internal/origin"
)

// Start returns an origin on a free port of the loopback, which is stopped when the test ends.
func Start(t testing.TB) *origin.Server {
	t.Helper()
	o, err := origin.New("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Stop(); err != nil {
			t.Error(err)
		}
	})
	return o
}

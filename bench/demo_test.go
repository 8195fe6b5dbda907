package bench

import (
	"bytes"
	"testing"

	"github.com/weirproxy/weir/bench/internal/demo"
	"github.com/weirproxy/weir/bench/internal/fleet"
)

// demoDoesWhatItSays plays the newcomer's demo with the shipped binaries: every step must see what it expects.
func demoDoesWhatItSays(t *testing.T, programs fleet.Binaries) {
	var out bytes.Buffer
	got, err := demo.Run(t.Context(), demo.Config{Binaries: programs, Duration: demo.MinDuration, Rate: 150, Out: &out})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !got.OK {
		t.Errorf("%+v\n%s", got, &out)
	}
	if got.Requests == 0 || got.Hits == 0 || got.EventsConsumed == 0 || got.CostUSD <= 0 || got.CommandsApplied != 2 || got.ConfigVersion == 0 {
		t.Errorf("%+v", got)
	}
}

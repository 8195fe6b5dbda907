package subscribe

import (
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin/origintest"
)

func TestAgainstTheOrigin(t *testing.T) {
	o := origintest.Start(t)
	target, err := load.ParseTarget(o.URL() + "/graphql")
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{TransportWS, SSE, SSEGet} {
		c := Config{
			Target: target, Name: "T", Document: "subscription T($every: Int!) { tick(everyMs: $every) { n sentAt } }", Variables: []byte(`{"every":5}`),
			Protocol: protocol, Open: 10, TimePath: "$.data.tick.sentAt",
		}
		got := runUntil(t, c, 10, 200)
		if got.Errors != 0 || got.Opened != 10 || got.Delay.Count() != got.Events || got.Delay.At(50) > 1_000_000 {
			t.Errorf("%s: %+v, p50 of the delay %d µs", protocol, got, got.Delay.At(50))
		}
	}
}

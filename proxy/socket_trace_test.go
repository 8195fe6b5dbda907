package proxy

import (
	"strings"
	"testing"
)

// Operations of one socket are in the trace of its handshake, each with a span of its own; what is no trace context goes on as it is.
func TestOperationsOfASocketHaveSpansOfTheirOwn(t *testing.T) {
	const trace, span = "00-4bf92f3577b34da6a3ce929d0e0e4736-", "00f067aa0ba902b7"
	n := newNewsroom(t, nil)
	c := n.talk(`{}`, "traceparent", trace+span+"-01")
	seen := map[string]bool{trace + span + "-01": true}
	for _, id := range []string{"1", "2"} {
		c.subscribe(id, sold)
		up := n.arrive()
		up.next(sale)
		c.expect(next(id, saleAnswer))
		got := <-n.traces
		if seen[got] || len(got) != len(trace+span+"-01") || !strings.HasPrefix(got, trace) || !strings.HasSuffix(got, "-01") {
			t.Errorf("operation %s: %q after %v", id, got, seen)
		}
		seen[got] = true
		up.next(sale)
		c.expect(next(id, saleAnswer))
		if again := <-n.traces; again != got {
			t.Errorf("an event of operation %s: %q, want %q", id, again, got)
		}
		c.say(`{"id":"` + id + `","type":"complete"}`)
		up.ended()
	}
	c = n.talk(`{}`, "traceparent", "none")
	c.subscribe("1", sold)
	n.arrive().next(sale)
	c.expect(next("1", saleAnswer))
	if got := <-n.traces; got != "none" {
		t.Errorf("%q", got)
	}
}

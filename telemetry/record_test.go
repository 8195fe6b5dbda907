package telemetry

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/weirproxy/weir/telemetry/event"
)

// What waits in the ring is the caller's record of the moment of Emit, in memory that other records had before.
func TestEmitCopiesTheRecord(t *testing.T) {
	var got []string
	tel := newTelemetry(t, Config{Sink: func(b []byte) {
		var e event.Envelope[event.Cost]
		if err := json.Unmarshal(b, &e); err != nil {
			t.Error(err)
		}
		names := ""
		for _, s := range e.Data.Subgraphs {
			names += fmt.Sprint(s.Name, s.Fetches, " ")
		}
		got = append(got, e.Data.Operation+" "+names)
	}})
	r := record(tel, 1)
	all := []event.Subgraph{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	for round := range 3 {
		var want []string
		got = nil
		for i := range 3 * 8 { // some for each shard
			r.Operation = fmt.Sprint("Op", round, i)
			r.Subgraphs = all[:(i+round)%4]
			line := r.Operation + " "
			for j := range r.Subgraphs {
				r.Subgraphs[j].Fetches = int64(i)
				line += fmt.Sprint(r.Subgraphs[j].Name, i, " ")
			}
			want = append(want, line)
			tel.Emit(r)
		}
		r.Operation = "later"
		for i := range all {
			all[i].Fetches = 99
		}
		tel.take()
		seen := map[string]bool{}
		for _, g := range got {
			seen[g] = true
		}
		for _, w := range want {
			if !seen[w] {
				t.Errorf("%q is missing in %q", w, got)
			}
		}
	}
}

package compare

import (
	"bytes"
	"strings"
	"testing"
)

func TestGates(t *testing.T) {
	r := newResult()
	for _, hit := range []float64{12, 14, 13} {
		r.rounds = append(r.rounds, map[string]float64{constSmall: 10, constLarge: 20, minproxy: 20, hitSmall: hit, hitKafka: 16, hitLarge: 22, relay: 19})
	}
	r.heap[hitSmall], r.heap[relay] = []allocation{{8, 0.01}, {9, 0.02}}, []allocation{{48, 1}}
	r.evaluate()
	want := map[string]bool{
		"hit ÷ const, 1 KiB": true, "hit with a Kafka record each ÷ const, 1 KiB": false, "hit ÷ const, 16 KiB": true,
		"pass-through ÷ minproxy, 1 KiB": true, "heap objects per request, " + hitSmall: true, "heap objects per request, " + relay: false,
	}
	if len(r.Gates) != len(want) || r.Pass() {
		t.Errorf("%+v", r.Gates)
	}
	for _, g := range r.Gates {
		if g.Pass != want[g.What] {
			t.Errorf("%+v: pass should be %v", g, want[g.What])
		}
	}
	if g := r.Gates[0]; g.Value != 1.3 || g.Low != 1.2 || g.High != 1.4 {
		t.Errorf("%+v", g)
	}
	var out bytes.Buffer
	r.WriteText(&out)
	if strings.Count(out.String(), "  FAIL\n") != 2 || strings.Count(out.String(), "  pass\n") != 4 {
		t.Errorf("%s", &out)
	}
}

func TestBodyHasTheMeasuredSize(t *testing.T) {
	m, err := mix()
	if err != nil {
		t.Fatal(err)
	}
	d := m.Draw(1, 1)
	if n := len(d.Body()); n != bodyBytes {
		t.Errorf("%d bytes, want %d", n, bodyBytes)
	}
}

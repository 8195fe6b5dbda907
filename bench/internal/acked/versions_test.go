package acked

import "testing"

func TestVersionsInAnswers(t *testing.T) {
	body := `{"data":{"cities":{"nodes":[{"id":"1","revision":4,"name":"a"},{"id":"2","revision":0},{"id":"3","name":"no revision"},{"id":"4","revision":12}]}}}`
	got := map[string]int64{}
	Versions([]byte(body), func(id []byte, v int64) { got[string(id)] = v })
	if len(got) != 3 || got["1"] != 4 || got["2"] != 0 || got["4"] != 12 {
		t.Errorf("%v", got)
	}
	for _, broken := range []string{`"id":"`, `"id":"1`, `"id":"1","revision":`, `"id":"1","revision":x`} {
		Versions([]byte(broken), func(id []byte, v int64) { t.Errorf("%q: %s %d", broken, id, v) })
	}
}

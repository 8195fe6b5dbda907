package remote

import (
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/key"
)

func TestBreaker(t *testing.T) {
	const second = int64(time.Second)
	var b breaker
	fail := func(n int, now int64) {
		for range n {
			if !b.allow(now) {
				t.Fatal("refused before it is open")
			}
			b.tell(false, now)
		}
	}
	fail(breakAfter-1, 0)
	b.tell(true, 0) // failures must come in a row
	fail(breakAfter, 0)
	steps := []struct {
		what  string
		do    func()
		now   int64
		allow bool
		state string
	}{
		{"open", nil, 1, false, "open"},
		{"still open", nil, second - 1, false, "open"},
		{"one may try", nil, second, true, "half-open"},
		{"only one", nil, second, false, "half-open"},
		{"one that learnt nothing lets another try", b.release, second, true, "half-open"},
		{"a failed try opens it again", func() { b.tell(false, second) }, second + 1, false, "open"},
		{"until the next", nil, 2*second + 1, true, "half-open"},
		{"success closes it", func() { b.tell(true, 2*second) }, 2*second + 1, true, "closed"},
	}
	for _, s := range steps {
		if s.do != nil {
			s.do()
		}
		if got := b.allow(s.now); got != s.allow {
			t.Errorf("%s: allowed %v", s.what, got)
		}
		if got := b.state(s.now); got != s.state {
			t.Errorf("%s: %s", s.what, got)
		}
	}
}

// The log's keys lie in one slot of a cluster: what decides the slot is between the first braces. Values are spread over all slots.
func TestKeysAndSlotsOfACluster(t *testing.T) {
	for _, namespace := range []string{"weir", "shop-eu"} {
		l := NewLog(New(Config{Namespace: namespace}), namespace, 1, Member{})
		if a, b := slotPart(l.stream), slotPart(l.places); a != b || a == l.stream {
			t.Errorf("%s: the log's keys lie in slots of %q and %q", namespace, a, b)
		}
	}
	v := NewValues(nil, ValuesConfig{Namespace: "weir"})
	a, b := v.Name(&key.Key{1}), v.Name(&key.Key{2})
	if slotPart(a) != a || slotPart(b) != b || a == b || strings.ContainsAny(a, "{}") {
		t.Errorf("%s and %s", a, b)
	}
}

// slotPart is the rule of the Redis Cluster specification.
func slotPart(name string) string {
	open := strings.IndexByte(name, '{')
	if open < 0 {
		return name
	}
	if n := strings.IndexByte(name[open+1:], '}'); n > 0 {
		return name[open+1 : open+1+n]
	}
	return name
}

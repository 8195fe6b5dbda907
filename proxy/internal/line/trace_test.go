package line

import (
	"encoding/binary"
	"testing"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/ledger"
	"github.com/weirproxy/weir/telemetry"
)

// TestEventsNameTheEntryWhenAsked: the same name as in Cache-Status, and none for what the cache was not asked for.
func TestEventsNameTheEntryWhenAsked(t *testing.T) {
	p := testPolicy(t)
	current := p
	l := newLine(t, &current)
	for _, trace := range []bool{true, false} {
		q := *p
		q.Cache.Trace, q.Cache.ExposeKey = trace, true
		current = q.Seal()
		x := &Exchange{Policy: current, GraphQL: true}
		it := x.next()
		it.Status, it.outcome = telemetry.Miss, ledger.MissAbsent
		it.key = cache.Key{1, 2, 3, 4, 5, 6, 7, 8, 9}
		want := uint64(0)
		if trace {
			want = binary.BigEndian.Uint64(it.key[:])
		}
		if got := l.price(x, it, noon).CacheKey; got != want {
			t.Errorf("trace %v: %x, want %x", trace, got, want)
		}
		it.Status, it.outcome = telemetry.Bypass, ledger.BypassScope
		if got := l.price(x, it, noon).CacheKey; got != 0 {
			t.Errorf("a bypass names an entry: %x", got)
		}
	}
}

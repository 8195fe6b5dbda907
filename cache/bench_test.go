package cache

import (
	"context"
	"fmt"
	"testing"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

func BenchmarkInvalidate(b *testing.B) {
	for _, c := range []struct {
		name string
		open func(*testing.B) *Store
	}{
		{"alone", func(b *testing.B) *Store { return open(b, Config{}) }},
		{"redis", func(b *testing.B) *Store {
			s := join(b, redistest.Start(b).Addr, nil)
			connected(b, s)
			return s
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := c.open(b)
			inv := Invalidation{Tags: []string{"City", "City:5", "list:City"}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Invalidate(context.Background(), inv, nowNS()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSharedHit(b *testing.B) {
	s := join(b, redistest.Start(b).Addr, nil)
	connected(b, s)
	fill(b, s, "k", fmt.Sprintf("%4000d", 1), "City", "City:5")
	redistest.Until(b, "the value is shared", redistest.Patience, func() bool { return s.Stats().L2Writes > 0 })
	slot := s.memory.Get(keyOf("k"))
	b.ReportAllocs()
	for b.Loop() {
		s.memory.Delete(slot)
		r := s.Lookup(context.Background(), keyOf("k"), nowNS(), Wait{})
		if r.Tier != TierL2 {
			b.Fatalf("%+v", r)
		}
		slot = s.memory.Get(keyOf("k"))
	}
}

package policy

import (
	"testing"
	"time"
)

func TestRateAllowsABurstAndThenItsPace(t *testing.T) {
	r := NewRate(10, 5)
	now, allowed := int64(1e18), 0
	for range 100 {
		if r.Allow(now) {
			allowed++
		}
	}
	if allowed != 5 {
		t.Errorf("%d at once, want 5", allowed)
	}
	for step := range 1000 { // 10 s in steps of 10 ms
		if r.Allow(now + int64(step+1)*int64(10*time.Millisecond)) {
			allowed++
		}
	}
	if allowed < 104 || allowed > 106 {
		t.Errorf("%d in 10 s at 10/s after a burst of 5", allowed)
	}
	if NewRate(0, 5).Allow(now) {
		t.Error("a rate of nothing allows a request")
	}
}

func TestLeasesMergeByOperation(t *testing.T) {
	var l Leases
	if !l.Empty() || l.For("A") != nil {
		t.Error("no leases")
	}
	l.Add("A", Lease{ID: "1", TTL: time.Second})
	l.Add("*", Lease{ID: "2", ServeStale: true})
	l.Add("B", Lease{ID: "3", Disabled: true})
	if a := l.For("A"); a.ID != "1,2" || a.TTL != time.Second || !a.ServeStale || a.Disabled {
		t.Errorf("A: %+v", a)
	}
	if b := l.For("B"); b.ID != "2,3" || !b.ServeStale || !b.Disabled {
		t.Errorf("B: %+v", b)
	}
	if c := l.For("C"); c.ID != "2" || l.Empty() {
		t.Errorf("C: %+v", c)
	}
}

func TestAnEnforcedLeaseGoesBeforeAnObservedOne(t *testing.T) {
	for _, order := range [][2]Lease{
		{{ID: "o", Observe: true, Disabled: true}, {ID: "e", TTL: 1}},
		{{ID: "e", TTL: 1}, {ID: "o", Observe: true, Disabled: true}},
	} {
		var l Leases
		l.Add("A", order[0])
		l.Add("A", order[1])
		if a := l.For("A"); a.Observe || a.Disabled || a.TTL != 1 {
			t.Errorf("%+v", a)
		}
	}
}

func TestKeyPartTellsPoliciesApart(t *testing.T) {
	base := (&Policy{Service: "a", Cache: Cache{Vary: []string{"origin"}}}).Seal()
	for _, other := range []*Policy{
		{Service: "b", Cache: Cache{Vary: []string{"origin"}}}, {Service: "a"}, {Service: "a", Cache: Cache{Vary: []string{"orig", "in"}}},
	} {
		if string(other.Seal().KeyPart()) == string(base.KeyPart()) {
			t.Errorf("%+v has the same key part", other)
		}
	}
	leased := *base
	leased.Leases.Add("*", Lease{ID: "1", Disabled: true})
	if string(leased.Seal().KeyPart()) != string(base.KeyPart()) {
		t.Error("leases change the key")
	}
}

func TestLookupOfLeasesAllocatesNothing(t *testing.T) {
	var l Leases
	l.Add("A", Lease{ID: "1", Rate: NewRate(1e9, 1e9)})
	now := int64(1)
	if n := testing.AllocsPerRun(100, func() { now++; l.For("A").Rate.Allow(now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

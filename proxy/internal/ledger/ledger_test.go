package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestNumbersByOperationAndTenant(t *testing.T) {
	var l Ledger
	for _, e := range []Entry{
		{Operation: "City", Tenant: "t1", Outcome: HitL1, Bytes: 100, SavedMicros: 5000, SavedPico: 7},
		{Operation: "City", Tenant: "t2", Outcome: HitL2, Bytes: 100, SavedMicros: 5000, SavedPico: 7},
		{Operation: "City", Outcome: MissInvalid, Bytes: 100, SavedMicros: 1, SavedPico: 1},
		{Operation: "Stats", Tenant: "t1", Outcome: HitStale, Bytes: 10, SavedMicros: 100, SavedPico: 100},
		{Operation: "Stats", Outcome: BypassScope},
		{Operation: "Stats", Outcome: None},
		{Operation: "Stats", Outcome: outcomes},
	} {
		l.Count(&e)
	}
	s := l.Snapshot(1)
	if s.Totals.Requests != 5 || s.Totals.HitRatio != 0.75 || s.Totals.HitBytes != 210 || s.Totals.SavedSeconds != 0.0101 || s.Totals.SavedUSD != 114e-12 {
		t.Errorf("%+v", s.Totals)
	}
	if len(s.Operations) != 2 || s.Operations[0].Name != "City" || s.Operations[0].Hits["l2"] != 1 || s.Operations[0].Misses["invalid"] != 1 || s.Operations[1].Bypassed["scope"] != 1 {
		t.Errorf("%+v", s.Operations)
	}
	if len(s.Tenants) != 2 || s.Tenants[0].Requests != 2 || s.Tenants[0].SavedUSD != 107e-12 {
		t.Errorf("%+v", s.Tenants)
	}
	if len(s.Top) != 1 || s.Top[0].Name != "Stats" {
		t.Errorf("%+v", s.Top)
	}
	text, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(text), `"hits":{"l1":1,"l2":1}`) {
		t.Errorf("%s %v", text, err)
	}
}

func TestTablesAreBounded(t *testing.T) {
	var l Ledger
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for i := range 2 * maxOperations {
				l.Count(&Entry{Operation: fmt.Sprint(i), Tenant: fmt.Sprint(i), Outcome: MissAbsent})
			}
			l.Count(&Entry{Operation: Other, Outcome: HitL1})
		})
	}
	work.Wait()
	s := l.Snapshot(10_000)
	if len(s.Operations) != maxOperations+1 || len(s.Tenants) != maxTenants+1 || len(s.Top) != maxOperations+1 {
		t.Errorf("%d operations, %d tenants", len(s.Operations), len(s.Tenants))
	}
	last := s.Operations[len(s.Operations)-1]
	if last.Name != Other || last.Requests != 4*maxOperations+4 || s.Totals.Requests != 8*maxOperations+4 {
		t.Errorf("%+v of %d", last, s.Totals.Requests)
	}
}

func TestEveryOutcomeHasAName(t *testing.T) {
	seen := map[string]bool{}
	for o := HitL1; o < outcomes; o++ {
		name := o.Kind() + "/" + o.Reason()
		if o.Kind() == "" || o.Reason() == "" || seen[name] || o.Hit() != (o.Kind() == "hit") {
			t.Errorf("%d is %q", o, name)
		}
		seen[name] = true
	}
	if None.Hit() || None.Kind() != "" {
		t.Error("none is something")
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	var l Ledger
	e := Entry{Operation: "City", Tenant: "t", Outcome: HitL1, Bytes: 100, SavedMicros: 5, SavedPico: 7}
	if n := testing.AllocsPerRun(100, func() { l.Count(&e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCount(b *testing.B) {
	for _, tenant := range []string{"", "tenant"} {
		b.Run("tenant="+tenant, func(b *testing.B) {
			var l Ledger
			for i := range 100 {
				l.Count(&Entry{Operation: fmt.Sprint(i), Outcome: HitL1})
			}
			e := Entry{Operation: "42", Tenant: tenant, Outcome: HitL1, Bytes: 100, SavedMicros: 5, SavedPico: 7}
			b.ReportAllocs()
			for b.Loop() {
				l.Count(&e)
			}
		})
	}
}

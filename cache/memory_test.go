package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestEntryIsVisibleAtOnce(t *testing.T) {
	s := open(t, Config{})
	for i := range 10_000 {
		k := fmt.Sprint(i)
		put(t, s, k, draft(k), t0)
		if e := want(t, s, k, t0, Fresh); string(e.Body) != k {
			t.Fatalf("%s: %q", k, e.Body)
		}
	}
}

func TestDraftIsCopied(t *testing.T) {
	s := open(t, Config{})
	d := draft("body", "tag")
	list := names{"tag"}
	d.Tags = list
	e := put(t, s, "k", d, t0)
	d.Body[0], d.Head[0], list[0] = '-', '-', "other"
	if got := want(t, s, "k", t0, Fresh); got != e || string(e.Body) != "body" || string(e.Head) != "head" || string(e.Tags.At(0)) != "tag" {
		t.Errorf("%q %q %q", e.Head, e.Body, e.Tags.At(0))
	}
	if e.Digest != *keyOf("k") || e.Created != t0 || cap(e.Body) != len(e.Body) {
		t.Errorf("%+v", e)
	}
}

func TestOtherKeyWithTheSameFirstHalfIsAMiss(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "k", draft("x"), t0)
	other := *keyOf("k")
	other[20]++
	if _, state := s.Get(&other, t0); state != Miss {
		t.Error("an entry is served under another key")
	}
	r := s.Lookup(context.Background(), &other, t0, Wait{})
	r.Fill.Complete(draft("other"), t0)
	for range 200 { // each way of looking
		if e, _ := s.Get(keyOf("k"), t0); e != nil && string(e.Body) != "x" {
			t.Fatalf("%q", e.Body)
		}
		if e, _ := s.Get(&other, t0); e != nil && string(e.Body) != "other" {
			t.Fatalf("%q", e.Body)
		}
	}
}

func TestEntryAboveTheLimitIsRefused(t *testing.T) {
	s := open(t, Config{MaxBytes: 1 << 20})
	put(t, s, "small", draft("x"), t0)
	giant := strings.Repeat("x", 1<<20/64)
	if lead(t, s, "giant", t0).Complete(draft(giant), t0) != nil {
		t.Error("stored")
	}
	want(t, s, "small", t0, Fresh)
	if st := s.Stats(); st.RefusedTooBig != 1 || st.Evicted != 0 {
		t.Errorf("%+v", st)
	}
	lead(t, s, "giant", t0).Abandon(0) // the key can be led again
}

func TestMemoryStaysWithinItsBound(t *testing.T) {
	const bound = 8 << 20
	before := heap()
	s := open(t, Config{MaxBytes: bound, EarlyRefresh: -1})
	r := rand.New(rand.NewPCG(1, 2))
	body := make([]byte, 16<<10)
	for i := range 60_000 {
		size := 1 << r.IntN(8)
		if i%50 == 0 {
			size = r.IntN(len(body))
		}
		k := keyOf(fmt.Sprint(r.IntN(40_000))) // updates among them, larger and smaller
		if res := s.Lookup(context.Background(), k, t0, Wait{}); res.Fill != nil {
			res.Fill.Complete(&Draft{Body: body[:size], TTL: time.Minute, Tags: names{fmt.Sprint("City:", i), "City"}}, t0)
		}
		if i%5000 == 4999 {
			invalidate(t, s, Invalidation{Tags: []string{"City"}}, t0)
		}
		if b := s.Stats().Bytes; b > bound || b < 0 {
			t.Fatalf("%d bytes charged", b)
		}
	}
	st := s.Stats()
	if st.Bytes < bound/2 || st.Evicted == 0 {
		t.Errorf("the bound was not reached: %+v", st)
	}
	grown := heap() - before
	t.Logf("charged %d, heap grew by %d, %d entries", st.Bytes, grown, st.Entries)
	if grown > bound {
		t.Errorf("the heap grew by %d of %d", grown, bound)
	}
	runtime.KeepAlive(s)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestFreshHitAllocatesNothing(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "k", draft("x", "City", "City:5"), t0)
	k := keyOf("k")
	if n := testing.AllocsPerRun(10_000, func() {
		if _, state := s.Get(k, t0); state != Fresh {
			t.Fatal("no hit")
		}
	}); n != 0 {
		t.Errorf("Get: %v allocations", n)
	}
	ctx := context.Background()
	if n := testing.AllocsPerRun(10_000, func() { s.Lookup(ctx, k, t0, Wait{}) }); n != 0 {
		t.Errorf("Lookup: %v allocations", n)
	}
	list := []string{"Other"}
	if n := testing.AllocsPerRun(200, func() {
		invalidate(t, s, Invalidation{Tags: list}, t0)
		s.Get(k, t0)
	}); n > 12 {
		t.Errorf("Invalidate and a check: %v allocations", n)
	}
}

func TestClosedStoreAnswersMisses(t *testing.T) {
	s, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	f := lead(t, s, "k", t0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f.Complete(draft("x"), t0)
	s.Get(keyOf("k"), t0)
	lead(t, s, "other", t0).Complete(draft("x"), t0)
}

func BenchmarkGet(b *testing.B) {
	s := open(b, Config{})
	keys := make([]*Key, 1000)
	for i := range keys {
		keys[i] = keyOf(fmt.Sprint(i))
		put(b, s, fmt.Sprint(i), draft("x", "City", "City:5"), t0)
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := rand.Int(); p.Next(); i++ {
			s.Get(keys[i%len(keys)], t0)
		}
	})
}

func BenchmarkGetWhileInvalidating(b *testing.B) {
	s := open(b, Config{})
	put(b, s, "k", draft("x", "City", "City:5"), t0)
	k, tags := keyOf("k"), []string{"Other:1"}
	b.ReportAllocs()
	for i := range b.N {
		if i%100 == 0 {
			invalidate(b, s, Invalidation{Tags: tags}, t0)
		}
		s.Get(k, t0)
	}
}

func BenchmarkLookupMiss(b *testing.B) {
	s := open(b, Config{})
	ctx, k := context.Background(), keyOf("k")
	b.ReportAllocs()
	for range b.N {
		s.Lookup(ctx, k, t0, Wait{}).Fill.Abandon(0)
	}
}

func BenchmarkComplete(b *testing.B) {
	s := open(b, Config{})
	ctx, d := context.Background(), draft(strings.Repeat("x", 2000), "City", "City:5", "list:City")
	var w KeyWriter
	b.ReportAllocs()
	for i := range b.N {
		w.Reset()
		w.Uint(1, uint64(i))
		k := w.Sum()
		s.Lookup(ctx, &k, t0, Wait{}).Fill.Complete(d, t0)
	}
}

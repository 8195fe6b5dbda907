package adapt

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Changes come at random at a known rate; refreshes look now and then. The learnt rate is about the known one, however often they look.
func TestRatesFindThePoissonRate(t *testing.T) {
	for _, c := range []struct {
		every  time.Duration // between changes
		looked time.Duration // between refreshes
	}{{time.Minute, time.Minute}, {time.Minute, 20 * time.Second}, {time.Hour, 10 * time.Minute}, {10 * time.Second, 15 * time.Second}} {
		rng := rand.New(rand.NewPCG(1, uint64(c.every)))
		var r Rates
		sum := 0.0
		const n = 4000
		for range n {
			p := 1 - math.Exp(-c.looked.Seconds()/c.every.Seconds())
			r.Saw(7, rng.Float64() < p, c.looked)
			sum += r.PerSecond(7)
		}
		if got, want := sum/n, 1/c.every.Seconds(); got < want*0.8 || got > want*1.4 {
			t.Errorf("changes every %s, looked for every %s: %.5f per second, want about %.5f", c.every, c.looked, got, want)
		}
	}
}

func TestRatesOfWhatNeverAndAlwaysChanges(t *testing.T) {
	var r Rates
	if r.PerSecond(1) != 0 {
		t.Error("a rate from nothing")
	}
	for range 100 {
		r.Saw(2, false, time.Minute)
		r.Saw(4, true, time.Minute)
		r.Saw(6, true, 0) // no time, no rate
	}
	if _, ok := TTL(r.PerSecond(2), 0.1); ok {
		t.Error("what never changes has an end")
	}
	if d, ok := TTL(r.PerSecond(4), 0.1); !ok || d < time.Second || d > 5*time.Second {
		t.Errorf("what changes each minute at least: %s", d)
	}
	if r.PerSecond(6) != 0 {
		t.Error("a rate from no time")
	}
}

func TestTTLIsOutOfDateWithTheProbabilityAskedFor(t *testing.T) {
	for _, p := range []float64{0.01, 0.1, 0.5, 0.9} {
		rate := 1 / time.Minute.Seconds()
		d, ok := TTL(rate, p)
		if got := 1 - math.Exp(-rate*d.Seconds()); !ok || math.Abs(got-p) > 1e-6 {
			t.Errorf("%v: %s gives %v", p, d, got)
		}
	}
	if _, ok := TTL(1e-12, 0.9); ok {
		t.Error("an end in a thousand years")
	}
}

// However many classes there are, memory is the same, and a class that was just seen is known.
func TestRatesForgetAndStayRight(t *testing.T) {
	var r Rates
	for i := range uint64(100_000) {
		id := rand.Uint64()
		r.Saw(id, true, time.Second)
		if i%100 == 0 && r.PerSecond(id) == 0 {
			t.Fatal("a class that was just seen is not known")
		}
	}
}

func keyOf(n uint64) *[32]byte {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	k := sha256.Sum256(b[:])
	return &k
}

func TestViewsOfASlidingWindow(t *testing.T) {
	const window = 5 * time.Minute
	var v Views
	now := int64(1000 * window)
	for range 80_000 {
		v.Count(keyOf(1), window, now)
	}
	for i := range uint64(2000) {
		v.Count(keyOf(2+i), window, now)
	}
	if n := v.Of(keyOf(1), window, now); n < 76_000 || n > 84_000 {
		t.Errorf("%d views, want about 80,000", n)
	}
	if n := v.Of(keyOf(1_000_000), window, now); n > 1000 {
		t.Errorf("%d views of a key that nobody asked for", n)
	}
	if n := v.Of(keyOf(1), window, now+int64(window)+int64(window)/2); n < 36_000 || n > 44_000 {
		t.Errorf("%d views in the half of the window that is left, want about 40,000", n)
	}
	if n := v.Of(keyOf(1), window, now+2*int64(window)); n != 0 {
		t.Errorf("%d views of two windows ago", n)
	}
	if n := v.Of(keyOf(1), window, now+100*int64(window)); n != 0 {
		t.Errorf("%d views of long ago", n)
	}
}

func TestViewsAndRatesInParallel(t *testing.T) {
	var v Views
	var r Rates
	var work sync.WaitGroup
	for g := range uint64(4) {
		work.Go(func() {
			for i := range uint64(20_000) {
				now := int64(i) * int64(time.Millisecond)
				v.Count(keyOf(i%10), time.Second, now)
				v.Of(keyOf(g), time.Second, now)
				r.Saw(i%3000, i%2 == 0, time.Second)
				r.PerSecond(g)
			}
		})
	}
	work.Wait()
}

func BenchmarkCount(b *testing.B) {
	var v Views
	k := keyOf(1)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v.Count(k, time.Minute, int64(time.Hour))
		}
	})
}

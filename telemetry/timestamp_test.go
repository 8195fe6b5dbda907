package telemetry

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestTimesAreThoseOfPackageTime(t *testing.T) {
	check := func(ns int64) {
		want := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000Z")
		text := formatTime(ns)
		if got := string(text[:]); got != want {
			t.Fatalf("%d: %s, want %s", ns, got, want)
		}
	}
	for _, ns := range []int64{0, -1, 1, math.MinInt64, math.MaxInt64, 951_782_400e9, 951_868_799_999_999_999, 4_107_542_399_999_999_999, 4_107_542_400e9} {
		check(ns)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 200_000 {
		check(int64(r.Uint64()))
	}
	for day := range int64(400 * 366) { // every day from 1970 on, at its ends
		ns := day * secondsPerDay * int64(time.Second)
		if ns < 0 {
			break
		}
		check(ns)
		check(ns - 1)
	}
}

func BenchmarkFormatTime(b *testing.B) {
	b.ReportAllocs()
	ns := int64(1_800_000_000_000_000_000)
	for b.Loop() {
		ns += 1_234_567
		formatTime(ns)
	}
}

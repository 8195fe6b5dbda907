package cache

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// processorTime is what this process has used; the server is another one.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// paced calls f about every so often, b.N times, and reports the processor time of a call beyond that of the waiting.
func paced(b *testing.B, every time.Duration, f func(i int)) {
	b.Helper()
	run := func(f func(i int)) time.Duration {
		tick := time.NewTicker(every)
		defer tick.Stop()
		before := processorTime(b)
		for i := range b.N {
			<-tick.C
			f(i)
		}
		return processorTime(b) - before
	}
	idle := run(func(int) {})
	b.ReportAllocs()
	b.ResetTimer()
	b.ReportMetric(float64(run(f)-idle)/float64(b.N)/1e3, "cpu-µs/op")
}

// BenchmarkShared measures what the shared tier costs this process: fills that are written behind, five in a row with pauses between them,
// and look-ups answered by Redis.
func BenchmarkShared(b *testing.B) {
	const row = 5
	body := strings.Repeat(`{"city":{"id":5,"name":"Utrecht"}},`, 60)
	b.Run("write", func(b *testing.B) {
		s := join(b, redistest.Start(b).Addr, nil)
		connected(b, s)
		paced(b, time.Millisecond, func(i int) {
			for j := range row {
				put(b, s, fmt.Sprint("k", b.N, " ", i, " ", j), draft(body, "City:5", "Query.city"), nowNS())
				runtime.Gosched()
			}
		})
	})
	b.Run("write nothing", func(b *testing.B) {
		s := open(b, Config{})
		paced(b, time.Millisecond, func(i int) {
			for j := range row {
				put(b, s, fmt.Sprint("k", b.N, " ", i, " ", j), draft(body, "City:5", "Query.city"), t0)
				runtime.Gosched()
			}
		})
	})
	b.Run("read", func(b *testing.B) {
		server := redistest.Start(b)
		w := join(b, server.Addr, nil)
		connected(b, w)
		const keys = 200
		for i := range keys {
			fill(b, w, fmt.Sprint("k", i), body, "City:5", "Query.city")
		}
		s := join(b, server.Addr, func(c *Config) { c.MaxBytes = 64 << 10 }) // too small to keep anything
		connected(b, s)
		caughtUp(b, w, s)
		ctx := context.Background()
		paced(b, 200*time.Microsecond, func(i int) {
			slot, err := s.values.Get(ctx, keyOf(fmt.Sprint("k", i%keys)), s.clock.Hash)
			if err != nil || slot == nil {
				b.Fatal(err)
			}
		})
	})
}

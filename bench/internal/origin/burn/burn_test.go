package burn

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// process is the processor time of the whole process: another clock than the one under test.
func process(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSpendIsTrueOnABusyMachine burns on more goroutines than there are processors, and compares with the time of the whole process.
func TestSpendIsTrueOnABusyMachine(t *testing.T) {
	for _, d := range []time.Duration{20 * time.Microsecond, 200 * time.Microsecond, 5 * time.Millisecond} {
		workers, rounds := 3*runtime.GOMAXPROCS(0), max(1, int(20*time.Millisecond/d))
		before := process(t)
		var mu sync.Mutex
		var sum time.Duration
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				var mine time.Duration
				for range rounds {
					mine += Spend(d)
				}
				mu.Lock()
				defer mu.Unlock()
				sum += mine
			})
		}
		all.Wait()
		asked := d * time.Duration(workers*rounds)
		used := process(t) - before
		if ratio := float64(sum) / float64(asked); ratio < 1 || ratio > 1.2 {
			t.Errorf("%s at a time: counted %s, asked %s: ratio %.3f", d, sum, asked, ratio)
		}
		// The process also switches between goroutines, which weighs beside very small pieces only.
		if ratio := float64(used) / float64(sum); d >= 200*time.Microsecond && (ratio < 0.95 || ratio > 1.2) {
			t.Errorf("%s at a time: the process used %s, counted %s: ratio %.3f", d, used, sum, ratio)
		}
	}
	if Spend(0) != 0 || Spend(-1) != 0 {
		t.Error("nothing was asked and something burnt")
	}
}

func TestParse(t *testing.T) {
	known := func(typeName, field string) bool { return typeName == "City" && (field == "rank" || field == "name") }
	p, err := Parse([]string{"50us", "City.rank=200us", "City.name=0s"}, known)
	if err != nil || p.None() || p.Of("City.rank") != 200*time.Microsecond || p.Of("City.name") != 0 || p.Of("Country.name") != 50*time.Microsecond {
		t.Errorf("%+v %v", p, err)
	}
	if p, err = Parse(nil, known); err != nil || !p.None() {
		t.Errorf("%+v %v", p, err)
	}
	for item, want := range map[string]string{
		"5": "write for instance 50us", "City.rank=x": "no duration from 0 to 1m", "City.ranks=1us": `no field "City.ranks"`, "rank=1us": "write TYPE.FIELD", "2m": "0 to 1m", "-1us": "0 to 1m",
	} {
		if _, err := Parse([]string{item}, known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", item, err, want)
		}
	}
}

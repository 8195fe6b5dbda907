package burn

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxField bounds what one field may burn.
const maxField = time.Minute

// Plan says how much processor time each field burns when it is resolved. It is immutable; the zero value burns nothing.
type Plan struct {
	every time.Duration
	named map[string]time.Duration // by TYPE.FIELD
}

// Parse reads items such as "50us" (each field) and "City.rank=200us" (that field instead). known tells whether a field exists.
func Parse(items []string, known func(typeName, field string) bool) (Plan, error) {
	p := Plan{named: map[string]time.Duration{}}
	for _, item := range items {
		field, amount, named := strings.Cut(item, "=")
		if !named {
			amount = item
		}
		d, err := time.ParseDuration(amount)
		if err != nil || d < 0 || d > maxField {
			return Plan{}, fmt.Errorf("burn %q: %q is no duration from 0 to 1m: write for instance 50us or City.rank=200us", item, amount)
		}
		if !named {
			p.every = d
			continue
		}
		typeName, name, _ := strings.Cut(field, ".")
		if !known(typeName, name) {
			return Plan{}, fmt.Errorf("burn %q: the schema has no field %q: write TYPE.FIELD of an object type, for instance City.rank=200us", item, field)
		}
		p.named[field] = d
	}
	return p, nil
}

// None tells whether the plan burns nothing.
func (p *Plan) None() bool { return p.every == 0 && len(p.named) == 0 }

// Of is what a field burns.
func (p *Plan) Of(field string) time.Duration {
	if d, ok := p.named[field]; ok {
		return d
	}
	return p.every
}

// Spend uses at least d of processor time on the calling thread and returns what it used.
func Spend(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin, rounds, used := Thread(), 1000, time.Duration(0)
	for word := uint64(1); used < d; {
		word = spin(word, rounds)
		last := used
		used = Thread() - begin
		// The next stretch is what is left at the speed of this one, a little less so as not to go beyond; never so short that the clock is all it does.
		speed := float64(rounds) / float64(max(1, used-last))
		rounds = min(max(100, int(0.9*speed*float64(d-used))), 1_000_000)
		runtime.KeepAlive(word)
	}
	return used
}

// spin does n dependent steps that no compiler can leave out while the result is used.
func spin(word uint64, n int) uint64 {
	for range n {
		word ^= word << 13
		word ^= word >> 7
		word ^= word << 17
	}
	return word
}

// Thread is the processor time the calling thread has used. It means something between two calls only while the goroutine is locked to its thread.
func Thread() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(fmt.Sprintf("BUG: this system has no clock of threads: %v", err))
	}
	return time.Duration(t.Nano())
}

package arrival

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// leg is a stretch of time with a rate that moves evenly from one value to another.
type leg struct {
	from, to float64       // per second
	length   time.Duration // 0: endless, then from equals to

	start      time.Duration // since the start of the run
	before, in float64       // arrivals due before the leg and within it: the integral of the rate
}

// legs is a plan of one leg after the other. The number of arrivals due before a time is the integral of the rate; the times are the inverse of it, so
// that no rounding adds up however long the plan runs.
type legs struct {
	kind    string // constant, ramp or steps
	poisson bool
	list    []leg
}

// Constant is an endless plan of rate arrivals per second, evenly spaced, the first one at the start. Without a rate above 0 it has no arrivals.
func Constant(rate float64) Plan { return newLegs("constant", false, leg{from: rate, to: rate}) }

// Poisson is an endless plan of rate arrivals per second in the mean, independent of each other.
func Poisson(rate float64) Plan { return newLegs("poisson", true, leg{from: rate, to: rate}) }

func newLegs(kind string, poisson bool, list ...leg) *legs {
	p := &legs{kind: kind, poisson: poisson, list: list}
	var start time.Duration
	var before float64
	for i := range list {
		l := &list[i]
		l.start, l.before = start, before
		switch {
		case !(l.from >= 0 && l.to >= 0) || l.from == 0 && l.to == 0: // not a number counts as none
			l.in = 0
		case l.length == 0:
			l.in = math.Inf(1)
		default:
			l.in = whole(before+(l.from+l.to)/2*l.length.Seconds()) - before
		}
		start, before = start+l.length, before+l.in
	}
	return p
}

// whole takes what rounding alone keeps from a whole number as that number: 0.1 per second for 30 s are 3 arrivals.
func whole(n float64) float64 {
	if r := math.Round(n); math.Abs(n-r) <= 1e-9*max(1, r) {
		return r
	}
	return n
}

// at returns when the integral of the rate reaches n within the leg.
func (l *leg) at(n float64) time.Duration {
	n -= l.before
	slope := 0.0
	if l.length > 0 {
		slope = (l.to - l.from) / l.length.Seconds()
	}
	// The root of from·t + slope·t²/2 = n, in the form that loses no digits when either term is small.
	seconds := 2 * n / (l.from + math.Sqrt(max(0, l.from*l.from+2*slope*n)))
	if n == 0 {
		seconds = 0
	}
	due := seconds * float64(time.Second)
	if l.length > 0 {
		due = min(due, float64(l.length))
	}
	if due >= math.MaxInt64-float64(l.start) {
		return math.MaxInt64
	}
	return l.start + time.Duration(due)
}

// Times returns the due times of one thread. Evenly spaced plans give every n-th arrival to it; Poisson plans give each thread a process of its own with
// the n-th part of the rate, which together are the process of the plan.
func (p *legs) Times(thread, n int, seed uint64) Times {
	n = max(1, n)
	if p.poisson {
		t := &chance{rest: p.list, rand: rand.New(rand.NewPCG(seed, poissonStream+uint64(thread))), threads: float64(n)}
		return t
	}
	return &even{rest: p.list, next: float64(thread), threads: float64(n)}
}

// poissonStream keeps the randomness of due times apart from that of requests, which count their streams from 0.
const poissonStream = 1 << 32

// even hands out the arrivals thread, thread+n, thread+2n, …
type even struct {
	rest          []leg
	next, threads float64 // whole numbers
	last          time.Duration
}

func (t *even) Next() (time.Duration, bool) {
	due, ok := due(&t.rest, t.next, &t.last)
	t.next += t.threads
	return due, ok
}

// chance hands out a Poisson process: in the measure of the integral, gaps are exponential with mean 1.
type chance struct {
	rest    []leg
	reached float64
	threads float64
	rand    *rand.Rand
	last    time.Duration
}

func (t *chance) Next() (time.Duration, bool) {
	t.reached += t.rand.ExpFloat64() * t.threads
	return due(&t.rest, t.reached, &t.last)
}

// due returns when the integral reaches n, which never falls from call to call; legs that lie behind leave rest.
func due(rest *[]leg, n float64, last *time.Duration) (time.Duration, bool) {
	list := *rest
	for len(list) > 0 && n >= list[0].before+list[0].in {
		list = list[1:]
	}
	*rest = list
	if len(list) == 0 {
		return 0, false
	}
	*last = max(*last, list[0].at(n))
	return *last, *last < math.MaxInt64
}

func (p *legs) String() string {
	var b strings.Builder
	b.WriteString(p.kind)
	for i, l := range p.list {
		b.WriteByte(":,"[min(i, 1)])
		b.WriteString(number(l.from))
		if l.from != l.to {
			b.WriteString(".." + number(l.to))
		}
		if l.length > 0 {
			b.WriteString("/" + length(l.length))
		}
	}
	return b.String()
}

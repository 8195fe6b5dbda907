package score

import (
	"math"
	"math/rand/v2"
	"testing"
)

// series simulates requests: rate per second, median latency ns, share of errors; f may change them by second.
type load struct {
	rate   int
	median float64
	errors float64
}

func simulate(r *rand.Rand, s *Scorer, from, seconds int, f func(second int) load) (scores []float64) {
	for sec := from; sec < from+seconds; sec++ {
		l, last := f(sec), 0.0
		for i := range l.rate {
			end := int64(sec)*1e9 + int64(i)*int64(1e9)/int64(l.rate)
			latency := l.median * math.Exp(0.5*r.NormFloat64())
			last = s.Add(end, int64(latency), r.Float64() < l.errors)
		}
		scores = append(scores, last)
	}
	return scores
}

func above(scores []float64, limit float64) (n int) {
	for _, s := range scores {
		if s >= limit {
			n++
		}
	}
	return n
}

var steady = load{rate: 50, median: 5e6, errors: 0.002}

func TestSteadySeriesDoNotAlarm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	alarms := 0
	for range 20 {
		var s Scorer
		alarms += above(simulate(r, &s, 1000, 3600, func(int) load { return steady }), 0.8)
	}
	if alarms > 4 {
		t.Errorf("%d alarms in 20 hours", alarms)
	}
}

func TestFaultsAlarmWithinSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		fault  load
		within int
	}{
		"latency ten times":  {load{50, 50e6, 0.002}, 4},
		"latency two times":  {load{50, 10e6, 0.002}, 6},
		"latency up by half": {load{50, 7.5e6, 0.002}, 15},
		"a third fails":      {load{50, 5e6, 0.33}, 3},
		"a tenth fails":      {load{50, 5e6, 0.1}, 10},
		"few requests, slow": {load{2, 80e6, 0}, 8},
	} {
		r := rand.New(rand.NewPCG(2, 2))
		for range 10 {
			var s Scorer
			base := steady
			base.rate = c.fault.rate
			simulate(r, &s, 1000, 300, func(int) load { return base })
			scores := simulate(r, &s, 1300, c.within+2, func(int) load { return c.fault })
			if above(scores, 0.8) == 0 {
				t.Errorf("%s: no alarm within %d s: %.2f", name, c.within, scores)
				break
			}
		}
	}
}

func TestScoreComesDownWhenTheFaultIsOver(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var s Scorer
	simulate(r, &s, 1000, 300, func(int) load { return steady })
	simulate(r, &s, 1300, 60, func(int) load { return load{50, 50e6, 0.3} })
	after := simulate(r, &s, 1360, 120, func(int) load { return steady })
	if above(after[60:], 0.5) > 0 {
		t.Errorf("a minute later: %.2f", after[60:])
	}
}

func TestAFaultDoesNotBecomeTheNormWhileItLasts(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	var s Scorer
	simulate(r, &s, 1000, 300, func(int) load { return steady })
	scores := simulate(r, &s, 1300, 300, func(int) load { return load{50, 50e6, 0.002} })
	if above(scores[10:], 0.8) < 280 {
		t.Errorf("the alarm ended by itself: %d of 290 s", above(scores[10:], 0.8))
	}
}

func TestAClockThatIsSetBackDoesNotStopTheScore(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var s Scorer
	simulate(r, &s, 10_000, 300, func(int) load { return steady })
	if scores := simulate(r, &s, 6_700, 10, func(int) load { return load{50, 50e6, 0.3} }); above(scores, 0.8) == 0 {
		t.Errorf("no alarm after the clock was set back by an hour: %.2f", scores)
	}
}

func TestScoreStaysWithinItsRange(t *testing.T) {
	var s Scorer
	for i, latency := range []int64{0, -5, math.MaxInt64, 1, 1e9} {
		for j := range 40 {
			if v := s.Add(int64(i*40+j)*2e9, latency, j%2 == 0); v < 0 || v > 1 || math.IsNaN(v) {
				t.Fatalf("score %v", v)
			}
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	var s Scorer
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 1e6
		s.Add(now, 5e6, false)
	}
}

package draw

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	sample   = 200_000
	million  = float64(time.Millisecond)
	bounds   = 0.02 // of a quantile estimated from the sample
	fewTimes = 4    // how far a count of chosen ordinals may be from its share
)

func TestQuantilesAreWhatTheDistributionSays(t *testing.T) {
	for text, want := range map[string]map[float64]float64{ // quantile to milliseconds
		"5ms":                          {0.5: 5, 0.99: 5},
		"constant:250us":               {0.5: 0.25, 0.99: 0.25},
		"uniform:10ms..20ms":           {0.1: 11, 0.5: 15, 0.99: 19.9},
		"exponential:10ms":             {0.5: 10 * math.Ln2, 0.99: 10 * math.Log(100)},
		"lognormal:p50=5ms,p99=50ms":   {0.5: 5, 0.99: 50},
		"bimodal:1ms,100ms@0.1":        {0.5: 1, 0.89: 1, 0.91: 100},
		"bimodal:1ms,100ms@10%":        {0.5: 1, 0.89: 1, 0.91: 100},
		"lognormal:p50=1ms,p99=1ms":    {0.5: 1, 0.99: 1},
		"uniform:0s..0s":               {0.5: 0},
		"exponential:0s":               {0.99: 0},
		"lognormal:p50=1us,p99=1000us": {0.5: 0.001, 0.99: 1},
	} {
		t.Run(text, func(t *testing.T) {
			d, err := ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			if d.String() != text || d.Zero() {
				t.Errorf("%q %v", d, d.Zero())
			}
			drawn := make([]float64, sample)
			stream := Stream(7, text)
			for i := range drawn {
				drawn[i] = d.At(stream, uint64(i))
			}
			slices.Sort(drawn)
			for q, ms := range want {
				if got := d.Quantile(q) / million; math.Abs(got-ms) > ms*1e-9+1e-9 {
					t.Errorf("quantile %v: %v ms, want %v", q, got, ms)
				}
				if got := drawn[int(q*sample)] / million; math.Abs(got-ms) > ms*bounds {
					t.Errorf("drawn quantile %v: %v ms, want %v", q, got, ms)
				}
			}
		})
	}
}

func TestTheSameSeedDrawsTheSame(t *testing.T) {
	d, err := ParseBytes("lognormal:p50=1KiB,p99=16KiB")
	if err != nil {
		t.Fatal(err)
	}
	differs := 0
	for i := range uint64(1000) {
		if d.At(Stream(1, "a"), i) != d.At(Stream(1, "a"), i) {
			t.Fatal("one seed, two numbers")
		}
		for _, other := range []uint64{Stream(2, "a"), Stream(1, "b")} {
			if d.At(Stream(1, "a"), i) != d.At(other, i) {
				differs++
			}
		}
	}
	if differs < 1990 {
		t.Errorf("other seeds and names differ %d times of 2000", differs)
	}
	// Written down so that a release that draws otherwise is noticed: results are compared over releases.
	if got := Bits(Stream(7, "latency"), 0); got != 0xbe1da94e3b682328 {
		t.Errorf("%#x", got)
	}
}

func TestChosenIsTheShareOfEveryStretch(t *testing.T) {
	for _, share := range []float64{0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.999, 1} {
		for seed := range uint64(5) {
			stream := Stream(seed, "fault")
			for _, stretch := range []uint64{10, 100, 1000, 10_000} {
				n := 0
				for i := range stretch {
					if Chosen(stream, 17*stretch+i, share) {
						n++
					}
				}
				if want := share * float64(stretch); math.Abs(float64(n)-want) > fewTimes {
					t.Errorf("share %v, %d ordinals: %d chosen", share, stretch, n)
				}
			}
		}
	}
}

// TestChosenHasNoStepWithRounds: requests that come in rounds of five must not all have their faults at the same place.
func TestChosenHasNoStepWithRounds(t *testing.T) {
	for _, round := range []int{2, 3, 5, 8, 10} {
		places := make([]int, round)
		for i := range uint64(10_000) {
			if Chosen(Stream(1, "x"), i, 0.2) {
				places[int(i)%round]++
			}
		}
		for place, n := range places {
			if want := 2000 / float64(round); math.Abs(float64(n)-want) > want*0.05 {
				t.Errorf("round of %d: place %d chosen %d times, want about %v", round, place, n, want)
			}
		}
	}
}

func TestWrongTextNamesTheCure(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "250us, 5ms or 1s",
		"gauss:1ms":                   "write one of constant:V",
		"constant:-1ms":               "no duration from 0 to 1h",
		"constant:5":                  "no duration",
		"uniform:5ms":                 "write one of",
		"uniform:5ms..1ms":            "write the smaller first",
		"uniform:5ms..x":              `"x" is no duration`,
		"lognormal:5ms,6ms":           "lognormal:p50=V,p99=V",
		"lognormal:p50=5ms,p99=1ms":   "p99 not less than p50",
		"lognormal:p50=0s,p99=1ms":    "p50 is more than 0",
		"bimodal:1ms,2ms":             "bimodal:V,V@SHARE",
		"bimodal:1ms,2ms@2":           "no share from 0 to 1",
		"bimodal:1ms,2ms@NaN":         "no share",
		"exponential:2h":              "no duration from 0 to 1h",
		"lognormal:p50=x,p99=1ms":     `"x" is no duration`,
		"constant:1ms,constant:2ms":   "no duration",
		"uniform:1ms..2ms..3ms":       "no duration",
		"bimodal:1ms@0.5":             "write one of",
		"lognormal:p50=1ms,p99=":      "no duration",
		"exponential:p50=1ms,p99=2ms": "no duration",
	} {
		if _, err := ParseDuration(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]int{"0": 0, "1000": 1000, "16KiB": 16384, "10MB": 1e7, "256MiB": MaxSize, "3kB": 3000, "2MiB": 2 << 20} {
		if n, err := Size(text); err != nil || n != want {
			t.Errorf("%s: %d %v", text, n, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5KiB", "257MiB", "10GB", "KiB", "99999999999999999999"} {
		if n, err := Size(text); err == nil || !strings.Contains(err.Error(), "16KiB or 10MB") {
			t.Errorf("%q: %d %v", text, n, err)
		}
	}
}

func TestWindows(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		text      string
		at        time.Duration
		open      bool
		end, next time.Duration // next 0: never
	}{
		{"10s..15s", 9 * s, false, 0, 10 * s},
		{"10s..15s", 10 * s, true, 15 * s, 15 * s},
		{"10s..15s", 15*s - 1, true, 15 * s, 15 * s},
		{"10s..15s", 15 * s, false, 15 * s, 0},
		{"5s..", 100 * s, true, 0, 0},
		{"5s..", 1 * s, false, 0, 5 * s},
		{"0s..1s/10s", 500 * time.Millisecond, true, s, s},
		{"0s..1s/10s", 1 * s, false, s, 10 * s},
		{"0s..1s/10s", 20 * s, true, 21 * s, 21 * s},
		{"9s..10s/10s", 8 * s, false, 0, 9 * s},
		{"9s..10s/10s", 10 * s, false, 10 * s, 19 * s},
		{"9s..10s/10s", 29*s + 1, true, 30 * s, 30 * s},
	} {
		w, err := ParseWindow(c.text)
		if err != nil {
			t.Fatal(err)
		}
		open, end := w.In(c.at)
		next, more := w.Next(c.at)
		if open != c.open || end != c.end || next != c.next || more != (c.next > 0) {
			t.Errorf("%s at %s: %v %s, next %s %v", c.text, c.at, open, end, next, more)
		}
	}
	for text, want := range map[string]string{
		"10s": "write FROM..TO", "5s..1s": "ends before it begins", "x..1s": "no duration", "1s..2s/500ms": "not shorter than itself", "1s../5s": "needs an end",
		"1s..2s/": "needs an end and a period", "-1s..2s": "no duration", "1s..1s": "ends before",
	} {
		if _, err := ParseWindow(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"lognormal:p50=5ms,p99=50ms", "bimodal:1ms,100ms@0.1", "0s..1s/10s", "uniform:1KiB..2KiB", "exponential:10ms"} {
		f.Add(s, 0.5)
	}
	f.Fuzz(func(t *testing.T, s string, q float64) {
		if !(q > 0 && q < 1) {
			return
		}
		for _, read := range []func(string) (Distribution, error){ParseDuration, ParseBytes} {
			d, err := read(s)
			if err != nil {
				continue
			}
			if v := d.Quantile(q); math.IsNaN(v) || v < 0 {
				t.Errorf("%q at %v: %v", s, q, v)
			}
		}
		if w, err := ParseWindow(s); err == nil {
			if open, end := w.In(3 * time.Second); open && end != 0 && end <= 3*time.Second {
				t.Errorf("%q is open until %s at 3s", s, end)
			}
			if next, more := w.Next(3 * time.Second); more && next <= 3*time.Second {
				t.Errorf("%q: next change %s after 3s", s, next)
			}
		}
	})
}

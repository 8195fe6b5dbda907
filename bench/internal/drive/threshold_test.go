package drive

import (
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

// sample has 1,000 answers of 1 to 1,000 ms, 10 errors, 900 hits of 1,000.
func sample() *result.Run {
	r := &result.Run{Loop: "open", Arrivals: "constant:100", Targets: []string{"127.0.0.1:8080/graphql"}, Connections: 16, Seed: 1, Workload: "geonames"}
	s := result.Stats{Requests: 1010, Errors: 10, Failures: map[string]int64{"status": 7, "timeout": 3}, Hits: 900, Misses: 100, Rate: 101, Bytes: 5 << 20}
	for ms := 1; ms <= 1000; ms++ {
		s.Latency.Record(time.Duration(ms) * time.Millisecond)
		s.Service.Record(time.Duration(ms) * time.Millisecond / 2)
	}
	r.Total = s
	city := result.Stats{Requests: 500, Errors: 10, Rate: 50, Failures: map[string]int64{"status": 7, "timeout": 3}}
	city.Latency.Record(20 * time.Millisecond)
	r.Operations = []result.Operation{{Name: "City", Kind: "query", Stats: city}, {Name: "Country", Kind: "query", Stats: result.Stats{Requests: 510}}}
	return r
}

func TestThresholds(t *testing.T) {
	for text, want := range map[string]struct {
		value, limit float64
		pass         bool
	}{
		"p50=501ms":       {500, 501, true},
		"p50=499ms":       {500, 499, false},
		"p99=1s":          {0.99, 1, true},
		"p99.9=999500us":  {999000, 999500, true},
		"p25=1m":          {250.0 / 60000, 1, true},
		"max=1010ms":      {1000, 1010, true},
		"mean=500ms":      {500.5, 500, false},
		"errors=1%":       {0.99, 1, true},
		"errors=0.001":    {0.0099, 0.001, false},
		"rate=100":        {101, 100, true},
		"rate=102/s":      {101, 102, false},
		"hits=90%":        {90, 90, true},
		"hits=0.95":       {0.9, 0.95, false},
		"City:p99=21ms":   {20, 21, true},
		"City:errors=1%":  {2, 1, false},
		"City:hits=10%":   {0, 10, false}, // no Cache-Status
		"Country:p50=1ms": {0, 1, false},  // no answer
		" p50 = 501ms ":   {500, 501, true},
	} {
		list, err := ParseThresholds(text)
		if err != nil || len(list) != 1 {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := list[0].Check(sample())
		near := func(a, b float64) bool { return a-b < 0.01*b+1e-9 && b-a < 0.01*b+1e-9 } // three digits of the histogram
		if !near(got.Value, want.value) || got.Limit != want.limit || got.Pass != want.pass || got.Condition != strings.TrimSpace(text) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	list, err := ParseThresholds("p50=1ms,p99=5ms", "errors=1%")
	if err != nil || len(list) != 3 || list[1].Condition != "p99=5ms" || list[2].Condition != "errors=1%" {
		t.Errorf("%v %v", list, err)
	}
}

func TestWrongThresholds(t *testing.T) {
	for text, want := range map[string]string{
		"":             "there is no =",
		"p99":          "there is no =",
		"p99=5":        `"5" is no duration above 0 with its unit`,
		"p99=-5ms":     "no duration above 0",
		"p100=5ms":     `"p100" is no percentile`,
		"pfoo=5ms":     "is no percentile",
		"errors=101%":  "is no share from 0% to 100%",
		"errors=-1":    "is no share",
		"hits=many":    `"many" is no number`,
		"rate=0":       "a rate is above 0",
		"rate=NaN":     "is no number",
		"speed=5":      `"speed" cannot be measured`,
		":p99=5ms":     "the operation before : is empty",
		"p99=5ms,,":    "there is no =",
		"City:p99=5kg": "no duration above 0",
	} {
		_, err := ParseThresholds(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "write p50|") || ExitCode(err) != ExitInput {
			t.Errorf("%q: %v (code %d), want %q", text, err, ExitCode(err), want)
		}
	}
}

func TestErrorsWithoutAThresholdAreNotAllowed(t *testing.T) {
	for text, holds := range map[string]bool{
		"p50=1s":                         false, // 10 errors
		"p50=1s,errors=1%":               true,
		"p50=1s,City:errors=2%":          true, // all errors are City's
		"p50=1s,Country:errors=2%":       false,
		"p50=1s,errors=1%,City:errors=0": false,
	} {
		list, err := ParseThresholds(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := judge(list, sample()); got != holds {
			t.Errorf("%s: holds is %v", text, got)
		}
	}
	r := sample()
	r.Total.StaleEntities = 1
	if list, _ := ParseThresholds("errors=1%"); judge(list, r) {
		t.Error("a stale entity passed")
	}
	r = sample()
	r.Total.Errors, r.Operations[0].Stats.Errors, r.Subscriptions = 0, 0, &result.Subscriptions{Errors: 1}
	if judge(nil, r) {
		t.Error("an error of a subscription passed")
	}
}

func TestThresholdOfAnOperationThatIsNotThere(t *testing.T) {
	list, err := ParseThresholds("Citty:p99=5ms")
	if err != nil {
		t.Fatal(err)
	}
	err = known(list, []load.Label{{Name: "City"}, {Name: "Country"}})
	if err == nil || err.Error() != `threshold "Citty:p99=5ms": the workload has no operation Citty; it has City, Country` || ExitCode(err) != ExitInput {
		t.Errorf("%v", err)
	}
}

func FuzzParseThresholds(f *testing.F) {
	for _, s := range []string{"p99=5ms", "errors=0.1%,rate=1000", "City:p99.9=1m30s", "hits=90%", "max=1us", "a:b:mean=1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseThresholds(text)
		if err != nil {
			return
		}
		for i := range list {
			c := list[i].Check(sample())
			if c.Limit < 0 || c.Limit != c.Limit || c.Value != c.Value || c.Condition == "" {
				t.Errorf("%q: %+v", text, c)
			}
			if again, err := ParseThresholds(c.Condition); err != nil || len(again) != 1 || again[0] != list[i] {
				t.Errorf("%q is read as %+v, then as %+v, %v", text, list[i], again, err)
			}
			_ = list[i].format(c.Value)
		}
	})
}

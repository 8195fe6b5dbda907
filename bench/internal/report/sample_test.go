package report

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// hostile is an operation's name that would take over the page or the table if it were not escaped.
const hostile = `</script><script>alert(1)</script>|"'<img src=x onerror=alert(2)>` + "`\n[x](javascript:alert(3))"

type shape struct {
	name, kind  string
	weight      float64
	median      float64 // µs
	hits        float64
	errors      float64
	bodyOfBytes int64
}

var shapes = []shape{
	{"ProductPage", "query", 0.46, 620, 0.91, 0, 5800},
	{"Search", "query", 0.27, 2300, 0.42, 0.0004, 18200},
	{"Basket", "query", 0.14, 1450, 0, 0.0002, 2100},
	{"AddToBasket", "mutation", 0.08, 3900, 0, 0.003, 640},
	{hostile, "batch", 0.05, 2750, 0.2, 0, 30100},
}

// sampleRun is a minute of open loop whose target stalls for most of a second at 41 s; slower makes everything slower by a factor.
func sampleRun(seed uint64, slower float64) *result.File {
	rng := rand.New(rand.NewPCG(seed, 1))
	const rate, length = 1200, 60
	r := &result.Run{
		Targets: []string{"http://127.0.0.1:8080/graphql"}, Loop: "open", Arrivals: "constant:1200", Connections: 64, Seed: 1, Workload: "shop.yaml",
		Operations: make([]result.Operation, len(shapes)),
	}
	add := func(s *result.Stats, o *shape, failed, hit bool, wait, service float64) {
		s.Requests++
		if failed {
			s.Errors++
			if s.Failures == nil {
				s.Failures = map[string]int64{}
			}
			s.Failures["graphql errors"]++
			return
		}
		if hit {
			s.Hits++
		} else {
			s.Misses++
		}
		s.Bytes += o.bodyOfBytes
		s.Latency.Record(time.Duration((wait + service) * 1e3))
		s.Service.Record(time.Duration(service * 1e3))
	}
	for i, o := range shapes {
		r.Operations[i] = result.Operation{Name: o.name, Kind: o.kind}
	}
	for second := range length {
		var row result.Stats
		drift := 1 + 0.06*math.Sin(float64(second)/7) + 0.03*rng.NormFloat64()
		for i := range rate {
			draw, n := rng.Float64(), 0
			for n < len(shapes)-1 && draw > shapes[n].weight {
				draw -= shapes[n].weight
				n++
			}
			o := &shapes[n]
			hit := rng.Float64() < o.hits*min(1, 0.3+float64(second)/8)
			service := o.median * slower * drift * math.Exp(0.35*rng.NormFloat64())
			if hit {
				service = 240 * slower * drift * math.Exp(0.2*rng.NormFloat64())
			}
			if rng.Float64() < 0.004 {
				service *= 6
			}
			wait := 0.0
			if at := float64(i) / rate; second == 41 && at < 0.7 {
				wait = (0.7 - at) * 1e6
			}
			failed := rng.Float64() < o.errors || second == 41 && rng.Float64() < 0.04
			for _, s := range []*result.Stats{&r.Total, &r.Operations[n].Stats, &row} {
				add(s, o, failed, hit, wait, service)
			}
			r.Generator.Lateness.Record(time.Duration(4+rng.ExpFloat64()*9) * time.Microsecond)
		}
		r.Series = append(r.Series, result.Second{
			At: float64(second + 1), Requests: row.Requests, Errors: row.Errors, Hits: row.Hits, Misses: row.Misses,
			P50: row.Latency.At(50), P90: row.Latency.At(90), P99: row.Latency.At(99), Max: row.Latency.Max(),
		})
	}
	r.Total.Rate = rate
	for i := range r.Operations {
		r.Operations[i].Stats.Rate = float64(r.Operations[i].Stats.Requests) / length
	}
	r.Generator.CPUSeconds, r.Generator.CPUPerRequest, r.Generator.Busy, r.Generator.Waited = 0.61, 8.5, 0.011, 38
	p99 := float64(r.Total.Latency.At(99)) / 1e3
	r.Thresholds = []result.Threshold{
		{Condition: "p99=20ms", Value: p99, Limit: 20, Pass: p99 <= 20},
		{Condition: "errors=0.1%", Value: 100 * float64(r.Total.Errors) / float64(r.Total.Requests), Limit: 0.1, Pass: false},
		{Condition: "hits=50%", Value: 100 * float64(r.Total.Hits) / float64(r.Total.Hits+r.Total.Misses), Limit: 50, Pass: true},
	}
	return &result.File{
		Format: result.Format, Command: []string{"weir-bench", "run", "-w", "shop.yaml", "--rate", "1200", "--duration", "1m", "--slo", "p99=20ms,errors=0.1%,hits=50%", "http://127.0.0.1:8080/graphql"},
		Version: "v0.4.0", Started: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC), Seconds: length,
		Machines: []result.Machine{{CPU: "AMD EPYC 7B13", CPUs: 2, MemoryBytes: 24 << 30, Kernel: "Linux 6.18.5", Go: "1.26.8"}},
		Warnings: []result.Warning{{Code: result.WarnConnections, Text: "38 requests waited for a free connection at 41 s; give --connections more than 64"}},
		Run:      r,
	}
}

func sampleSearch() *result.File {
	f := sampleRun(1, 1)
	f.Warnings = nil
	for _, rate := range []float64{1000, 2000, 4000, 8000, 6000, 5000, 5500} {
		p99 := 1.1 + math.Pow(rate/4700, 6)
		achieved, errors := min(rate, 6900), 0.01
		if rate > 6000 {
			errors = 0.4
		}
		step := result.Step{Rate: rate, Achieved: achieved, Held: p99 <= 5 && errors <= 0.1}
		step.Thresholds = []result.Threshold{{Condition: "p99=5ms", Value: p99, Limit: 5, Pass: p99 <= 5}, {Condition: "errors=0.1%", Value: errors, Limit: 0.1, Pass: errors <= 0.1}}
		f.Run.Search = append(f.Run.Search, step)
	}
	f.Run.HighestRate = 5500
	f.Run.Subscriptions = &result.Subscriptions{Name: "PriceChanged", Protocol: "graphql-transport-ws", Wanted: 500, Opened: 500, Open: 498, Errors: 2, Failures: map[string]int64{"closed": 2}, Events: 59_000, PerSecond: 983}
	f.Run.Subscriptions.Setup.Record(1400 * time.Microsecond)
	f.Run.Subscriptions.Delay.Record(2300 * time.Microsecond)
	return f
}

func sampleCompare(seed uint64, factor float64) *result.File {
	rng := rand.New(rand.NewPCG(seed, 2))
	around := func(x, spread float64) result.Interval {
		values := make([]float64, 9)
		for i := range values {
			values[i] = x * math.Exp(spread*rng.NormFloat64())
		}
		return result.Bootstrap(values)
	}
	f := sampleRun(1, 1)
	f.Run, f.Warnings, f.Seconds = nil, nil, 1260
	f.Command = []string{"weir-bench", "compare", "--peers", "all"}
	c := &result.Compare{Method: "Reference and subject in turn in one-second pieces on the same processor; medians over fresh process instances in shuffled order.", Instances: 9, Rounds: 5}
	row := func(n, what, unit string, value, spread, gate, aim float64) {
		v := around(value, spread)
		c.Rows = append(c.Rows, result.Row{Row: n, What: what, Unit: unit, Value: v, Gate: gate, Aim: aim, Pass: v.Median <= gate})
	}
	row("1", "hit with event ÷ constant server, 1 KiB", "ratio", 1.21*factor, 0.03, 1.30, 1.18)
	row("2", "hit with a Kafka record each ÷ constant server", "ratio", 1.46*factor, 0.05, 1.50, 1.30)
	row("3", "hit ÷ constant server, 16 KiB", "ratio", 1.27, 0.02, 1.25, 1.12)
	row("5", "pass-through ÷ minimal proxy", "ratio", 0.97*factor, 0.04, 1.25, 1.0)
	row("7 hit", "heap bytes per hit", "bytes/request", 0, 0, 0, 0)
	row("10", "memory, 1,000 × 1 KiB cached", "MiB", 27.4, 0.01, 40, 25)
	c.Rows[4].Remark = "by the heap profile over a million requests"
	for _, s := range []struct {
		name, version string
		us            float64
		pss           int64
		calls         float64
	}{
		{"constant fasthttp server", "1.77.0", 10.4, 9 << 20, 2.5},
		{"Weir, hit", "v0.4.0", 12.6, 27 << 20, 2.0},
		{"nginx proxy_cache", "1.26.3", 19.7, 12 << 20, 3.1},
		{"Varnish", "7.6", 44, 96 << 20, 4.4},
		{"Apollo Server response cache", "5.5", 191, 112 << 20, 0},
		{"Hive Gateway response cache", "2.15", 423, 180 << 20, 0},
	} {
		c.Subjects = append(c.Subjects, result.Subject{Name: s.name, Version: s.version, Micros: around(s.us, 0.06), PSSBytes: s.pss, Syscalls: s.calls})
	}
	c.Missing = []result.Missing{{Name: "Envoy", Why: "not found in PATH", Install: "apt-get install envoy"}}
	f.Compare = c
	growth := result.Table{
		Name: "growth-connections", Title: "Throughput and memory by connections", Text: "Each connection keeps one read buffer; the bound is 16 KiB each.",
		Columns: []result.Column{{Name: "connections"}, {Name: "hits", Unit: "/s"}, {Name: "memory", Unit: "KiB per connection"}}, Plot: &result.Plot{X: 0, Y: []int{1}, LogX: true},
	}
	for i, n := range []float64{1, 10, 100, 1000, 10_000} {
		memory := 64/n + 9.4
		if i == 0 {
			memory = math.NaN()
		}
		growth.Rows = append(growth.Rows, []float64{n, 91_000 * n / (n + 2.2) * (1 - 0.03*float64(i)), memory})
	}
	growth.Gates = []result.Row{{Row: "growth", What: "memory per connection at 10,000", Unit: "KiB", Value: around(9.4, 0.01), Gate: 16, Pass: true}}
	starts := result.Table{
		Name: "footprint", Title: "Start, size and idle", Text: "Of the shipped binary.", Columns: []result.Column{{Name: "value"}, {Name: "gate"}}, Labels: []string{"start to ready, ms", "binary, MiB", "idle, % of a core"},
		Rows: [][]float64{{31, 50}, {21.6, 25}, {0.04, 0.1}}, Plot: &result.Plot{X: 0, Y: []int{0, 1}},
	}
	f.Tables = []result.Table{growth, starts}
	return f
}

package compare

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// Gate is one row of the targets.
type Gate struct {
	Row    int     `json:"row"`
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Low    float64 `json:"low"`  // lowest and highest value of a round
	High   float64 `json:"high"` //
	Gate   float64 `json:"gate"`
	Aim    float64 `json:"aim"`
	Pass   bool    `json:"pass"`
	Remark string  `json:"remark,omitempty"`
}

// Result of a comparison.
type Result struct {
	Micros map[string]float64 `json:"cpu_us_per_request"` // median of the pieces
	Gates  []Gate             `json:"gates"`

	rounds []map[string]float64
	heap   map[string][]allocation
}

func newResult() *Result {
	return &Result{Micros: map[string]float64{}, heap: map[string][]allocation{}}
}

// Pass reports whether every gate held.
func (r *Result) Pass() bool {
	return !slices.ContainsFunc(r.Gates, func(g Gate) bool { return !g.Pass })
}

// fewObjects is far below one: no request allocates of its own. What is left is housekeeping for many requests at once.
const fewObjects = 0.05

func (r *Result) evaluate() {
	values := map[string][]float64{}
	for _, round := range r.rounds {
		for name, us := range round {
			values[name] = append(values[name], us)
		}
	}
	for name, v := range values {
		r.Micros[name] = median(v)
	}
	r.ratio(1, "hit ÷ const, 1 KiB", hitSmall, constSmall, 1.30, 1.18, "events priced, scored and counted; without a broker they are not encoded")
	r.ratio(2, "hit with a Kafka record each ÷ const, 1 KiB", hitKafka, constSmall, 1.50, 1.30, "")
	r.ratio(3, "hit ÷ const, 16 KiB", hitLarge, constLarge, 1.25, 1.12, "")
	r.ratio(5, "pass-through ÷ minproxy, 1 KiB", relay, minproxy, 1.25, 1.00, "")
	for _, name := range []string{hitSmall, relay} {
		var objects, bytes []float64
		for _, used := range r.heap[name] {
			objects, bytes = append(objects, used.objects), append(bytes, used.bytes)
		}
		g := Gate{Row: 7, What: "heap objects per request, " + name, Value: median(objects), Low: slices.Min(objects), High: slices.Max(objects)}
		g.Pass = g.Value < fewObjects
		g.Remark = fmt.Sprintf("passes below %.2f; %.1f bytes per request of housekeeping that many requests share", fewObjects, median(bytes))
		r.Gates = append(r.Gates, g)
	}
}

// ratio adds a row: the median over rounds of subject by reference in the same round.
func (r *Result) ratio(row int, what, subject, by string, gate, aim float64, remark string) {
	var v []float64
	for _, round := range r.rounds {
		if round[by] > 0 {
			v = append(v, round[subject]/round[by])
		}
	}
	g := Gate{Row: row, What: what, Value: median(v), Gate: gate, Aim: aim, Remark: remark}
	if len(v) > 0 {
		g.Low, g.High = slices.Min(v), slices.Max(v)
	}
	g.Pass = g.Value <= gate
	r.Gates = append(r.Gates, g)
}

// WriteText prints the result for a person.
func (r *Result) WriteText(w io.Writer) {
	fmt.Fprintf(w, "\nprocessor time per request, median of %d rounds\n", len(r.rounds))
	for _, name := range slices.Sorted(maps.Keys(r.Micros)) {
		fmt.Fprintf(w, "  %-22s %7.2f µs\n", name, r.Micros[name])
	}
	fmt.Fprintf(w, "\n%-3s %-46s %8s %15s %6s %6s\n", "row", "what", "value", "spread", "gate", "aim")
	for _, g := range r.Gates {
		verdict := "pass"
		if !g.Pass {
			verdict = "FAIL"
		}
		fmt.Fprintf(w, "%-3d %-46s %8.3f %6.3f .. %5.3f %6.2f %6.2f  %s\n", g.Row, g.What, g.Value, g.Low, g.High, g.Gate, g.Aim, verdict)
		if g.Remark != "" {
			fmt.Fprintf(w, "    %s\n", g.Remark)
		}
	}
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(v))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return (s[mid-1] + s[mid]) / 2
}

package federation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/weirproxy/weir/bench/internal/result"
)

// record is what the kit writes for one instance of one router and one query.
type record struct {
	Target   string  `json:"target"`
	Query    string  `json:"query"`
	Instance int     `json:"instance"`
	Error    string  `json:"error"`
	Alone    float64 `json:"fetches_alone"`
	RSS      float64 `json:"rss_mib"`
	Own      []slice `json:"own"`
	Ref      []slice `json:"ref"` // of the floor, each after the slice of Own with its index
}

// slice is one piece of load.
type slice struct {
	RPS     float64
	CPU     float64 // µs per request
	P50     float64 // µs
	P99     float64 // µs
	Fetches float64 // per request
	Foreign float64 // processor time of others, cores
	Errs    float64
}

func cpu(s slice) float64     { return s.CPU }
func rate(s slice) float64    { return s.RPS }
func p50(s slice) float64     { return s.P50 }
func p99(s slice) float64     { return s.P99 }
func fetches(s slice) float64 { return s.Fetches }

func parse(r io.Reader) (records []record, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one record
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return records, fmt.Errorf("federation: the kit wrote %.200q: %w", lines.Text(), err)
		}
		for _, s := range one.Own {
			if s.Errs > 0 && one.Error == "" {
				one.Error = "answers with errors under load"
			}
		}
		if one.Error != "" {
			return records, fmt.Errorf("federation: %s, %s: %s", one.Target, one.Query, one.Error)
		}
		if len(one.Own) == 0 || len(one.Own) != len(one.Ref) {
			return records, fmt.Errorf("federation: %s, %s: %d slices beside %d of the floor", one.Target, one.Query, len(one.Own), len(one.Ref))
		}
		records = append(records, one)
	}
	return records, lines.Err()
}

// of is what f says of each instance of a router, in order; nil when it was not in the run.
func of(records []record, target, query string, f func(record) float64) (values []float64) {
	for _, r := range records {
		if r.Target == target && r.Query == query {
			values = append(values, f(r))
		}
	}
	return values
}

// own is the median over the slices of an instance.
func own(f func(slice) float64) func(record) float64 {
	return func(r record) float64 {
		var values []float64
		for _, s := range r.Own {
			values = append(values, f(s))
		}
		return median(values)
	}
}

// overFloor is the processor time of a request in those of the floor, each slice divided by the one of the floor that followed it.
func overFloor(r record) float64 {
	var values []float64
	for i := range r.Own {
		values = append(values, r.Own[i].CPU/r.Ref[i].CPU)
	}
	return median(values)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// foreignLimit is the processor time of others, in cores, above which the kit's author measures again.
const foreignLimit = 0.3

// noisy says when other programs ran beside the measurement.
func noisy(records []record) []result.Warning {
	var most float64
	for _, r := range records {
		for _, s := range append(r.Own, r.Ref...) {
			most = max(most, s.Foreign)
		}
	}
	if most <= foreignLimit {
		return nil
	}
	return []result.Warning{{Code: result.WarnNoisy, Text: fmt.Sprintf("other programs took up to %.2f of a processor in one slice; measure again on a quiet machine", most)}}
}

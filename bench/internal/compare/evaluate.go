package compare

import (
	"fmt"
	"slices"

	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	fewBytes       = 1.0 // per request: no request has an object of its own, which would be 8 bytes at least
	worthNaming    = 0.1
	memoryGate     = 40.0 // MiB
	memoryAim      = 25.0
	tooWide        = 0.10 // of the median: half of an interval
	foreignLimit   = 0.05
	fewInstances   = 5
	generatorLimit = 0.9
)

var suffixes = map[shape]string{popular: "", unseen: ", every key new", paced: ", 4,000/s, processor awake", pacedIdle: ", 4,000/s"}

// evaluate makes the result of what was measured.
func (r *run) evaluate() *result.Compare {
	c := &result.Compare{Instances: r.cfg.Instances, Missing: r.missing, Method: r.method()}
	r.subjects(c)
	for i := range r.pairs {
		if row, ok := r.ratio(&r.pairs[i]); ok {
			c.Rows = append(c.Rows, row)
		}
	}
	c.Rows = append(c.Rows, r.heapRows()...)
	if sizes := r.pss[hitKafka]; len(sizes) > 0 && r.wants("10") {
		var mib []float64
		for _, n := range sizes {
			mib = append(mib, float64(n)/(1<<20))
		}
		c.Rows = append(c.Rows, judged(result.Row{
			Row: "10", What: "memory (PSS), 1,000 × 1 KiB cached, Kafka on", Unit: "MiB", Value: result.Bootstrap(mib), Gate: memoryGate, Aim: memoryAim,
			Remark: "of the process tree, after the load of all rounds",
		}))
	}
	slices.SortStableFunc(c.Rows, func(a, b result.Row) int {
		return slices.Index(numbers, number(a.Row)) - slices.Index(numbers, number(b.Row))
	})
	return c
}

func (r *run) method() string {
	return fmt.Sprintf("%d fresh instances of every process, %d rounds each, pieces of %s in shuffled order (%d of every new key; %d of twice the length at %d/s during which a loop of idle priority keeps the servers' processor awake, and as many without it, both with a broker of idle priority, in each round); servers pinned to processor %d, load and upstream "+
		"to %d; %d connections, bodies of %d bytes over %d keys; processor time per request of the whole process tree; ratios within a turn, median over the "+
		"instances of their medians, 95 %% bootstrap interval; seed %d",
		r.cfg.Instances, r.cfg.Rounds, r.cfg.Piece, unseen.turns(), paced.turns(), openRate, serverCPU, otherCPU, connections, bodyBytes, keys, r.cfg.Seed)
}

// interval of values that were taken by instance and round. Neighbouring rounds of one instance depend on each other, so each instance counts once; the rounds
// of a lone instance stand for themselves.
func interval(byInstance [][]float64) result.Interval {
	byInstance = slices.DeleteFunc(slices.Clone(byInstance), func(rounds []float64) bool { return len(rounds) == 0 })
	if len(byInstance) == 1 {
		return result.Bootstrap(byInstance[0])
	}
	var medians []float64
	for _, rounds := range byInstance {
		medians = append(medians, result.Bootstrap(rounds).Median)
	}
	return result.Bootstrap(medians)
}

// subjects adds a line for each server and shape of load.
func (r *run) subjects(c *result.Compare) {
	named := map[string]bool{}
	for _, s := range []shape{popular, unseen, paced, pacedIdle} {
		for _, name := range r.names() {
			byInstance := make([][]float64, r.cfg.Instances)
			measured := false
			for _, ch := range r.chunks {
				if ch.shape != s {
					continue
				}
				for i, rounds := range r.samples[sampleKey{ch, name}] {
					for _, p := range rounds {
						byInstance[i] = append(byInstance[i], p.micros)
						measured = true
					}
				}
			}
			if !measured {
				continue
			}
			subject := result.Subject{Name: r.targets[name].Title + suffixes[s], Version: r.found[name].Version, Micros: interval(byInstance)}
			if !named[name] { // they are the server's, whatever the load
				named[name] = true
				subject.Syscalls, subject.PSSBytes = r.syscalls[name], middle(r.pss[name])
			}
			c.Subjects = append(c.Subjects, subject)
		}
	}
}

func middle(sizes []int64) int64 {
	if len(sizes) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(sizes))[len(sizes)/2]
}

// ratio makes the row of a pair; false when it was not measured.
func (r *run) ratio(p *pair) (result.Row, bool) {
	byInstance := make([][]float64, r.cfg.Instances)
	measured := false
	for _, c := range r.chunks {
		if !c.holds(p) {
			continue
		}
		top, by := r.samples[sampleKey{c, p.top}], r.samples[sampleKey{c, p.by}]
		for i := range min(len(top), len(by)) {
			for round := range min(len(top[i]), len(by[i])) {
				if below := by[i][round].figure(p.figure); below > 0 {
					byInstance[i] = append(byInstance[i], top[i][round].figure(p.figure)/below)
					measured = true
				}
			}
		}
	}
	if !measured {
		return result.Row{}, false
	}
	return judged(result.Row{Row: p.row, What: p.what, Unit: "ratio", Value: interval(byInstance), Gate: p.gate, Aim: p.aim, Remark: p.remark}), true
}

// judged fills in whether a row passes. A row without gate is shown, not judged.
func judged(row result.Row) result.Row {
	row.Shown = row.Gate == 0
	row.Pass = row.Shown || row.Value.Median <= row.Gate
	return row
}

// heapRows are the rows 7.
func (r *run) heapRows() (rows []result.Row) {
	for _, h := range heaps {
		use, ok := r.heap[h.name]
		if !ok {
			continue
		}
		add := func(suffix, what, unit string, value, gate float64, remark string) {
			rows = append(rows, judged(result.Row{
				Row: "7 " + h.row + suffix, What: what + ", " + h.what, Unit: unit, Value: result.Bootstrap([]float64{value}), Gate: gate, Remark: remark,
			}))
		}
		remark := fmt.Sprintf("over %d requests", use.requests)
		if h.gate > 0 {
			remark += fmt.Sprintf("; below %g no request has an object of its own, the rest is housekeeping", h.gate)
		}
		if text := use.text(); text != "" && use.bytes > worthNaming {
			remark += "; new connections included, most by " + text
		}
		add("", "heap bytes per request", "bytes/request", use.bytes, h.gate, remark)
		add(" n", "heap objects per million requests", "objects", use.objects*1e6, 0, "")
		add(" gc", "garbage collections per million requests", "collections", use.collections*1e6, 0, "")
	}
	return rows
}

// heapOnly reports whether a target is measured for row 7 alone.
func heapOnly(name string) bool {
	return slices.ContainsFunc(heaps, func(h heapTarget) bool { return h.name == name })
}

// warnings are reasons to distrust the figures.
func (r *run) warnings() (out []result.Warning) {
	if r.cfg.Instances < fewInstances {
		out = append(out, result.Warning{Code: result.WarnShort, Text: fmt.Sprintf("%d instances: an interval of so few is no more than their spread; "+
			"--instances 7 gives one that can be relied on", r.cfg.Instances)})
	}
	if r.foreign > foreignLimit {
		out = append(out, result.Warning{Code: result.WarnNoisy, Text: fmt.Sprintf("other programs took %.0f %% of the two processors; ratios bear some of that, "+
			"absolute figures do not: measure again on a quiet machine", 100*r.foreign)})
	}
	for i := range r.pairs {
		row, ok := r.ratio(&r.pairs[i])
		if v := row.Value; ok && row.Gate > 0 && v.Median > 0 && (v.High-v.Low)/2 > tooWide*v.Median {
			out = append(out, result.Warning{Code: result.WarnNoisy, Text: fmt.Sprintf("row %s lies between %.3f and %.3f; more --instances, or a quieter machine, "+
				"make that narrower", row.Row, v.Low, v.High)})
		}
	}
	for key, instances := range r.samples {
		if key.chunk.shape == paced && busiest(instances) > generatorLimit {
			out = append(out, result.Warning{Code: result.WarnGenerator, Text: fmt.Sprintf("the load generator was busy %.0f %% of the time at %d/s before %s: "+
				"latencies are its own", 100*busiest(instances), openRate, key.name)})
		}
	}
	return out
}

func busiest(instances [][]piece) (most float64) {
	for _, rounds := range instances {
		for _, p := range rounds {
			most = max(most, p.busy)
		}
	}
	return most
}

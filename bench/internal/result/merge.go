package result

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Merge makes one result of runs of the same load that several machines sent at the same time. Histograms, counts, rates and connections add exactly, so
// percentiles of the whole are as right as those of one machine. Rows of the series are matched by the machines' clocks and added by second; their percentiles
// are the highest of any machine, which a percentile of all requests of that second cannot exceed. Thresholds keep the verdict of the machine that did worst:
// who knows the conditions judges again. It refuses what does not make one load: other workloads, loops or versions of the file, runs at different times,
// searches of the highest rate, comparisons and tables.
func Merge(files ...*File) (*File, error) {
	if len(files) == 0 {
		return nil, errors.New("there is nothing to merge; give two result files or more")
	}
	if err := mergeable(files); err != nil {
		return nil, err
	}
	first := files[0]
	m := &File{Format: Format, Command: first.Command, Version: first.Version, Started: first.Started}
	for _, f := range files {
		if f.Started.Before(m.Started) {
			m.Started = f.Started
		}
	}
	end := m.Started
	var partial []string
	for i, f := range files {
		m.Machines = append(m.Machines, f.Machines...)
		if stop := f.Started.Add(seconds(f.Seconds)); stop.After(end) {
			end = stop
		}
		if f.Partial != "" {
			partial = append(partial, fmt.Sprintf("machine %d: %s", i+1, f.Partial))
		}
		for _, w := range f.Warnings {
			m.Warnings = append(m.Warnings, Warning{w.Code, fmt.Sprintf("machine %d: %s", i+1, w.Text)})
		}
		if f.Version != first.Version {
			m.Warnings = append(m.Warnings, Warning{WarnApart, fmt.Sprintf("machine %d ran version %s of weir-bench, machine 1 %s; use the same everywhere", i+1, f.Version, first.Version)})
		}
	}
	m.Seconds = end.Sub(m.Started).Seconds()
	m.Partial = strings.Join(partial, "; ")
	if apart := m.Seconds - longest(files); apart > max(1, m.Seconds*0.02) {
		text := fmt.Sprintf("the machines did not run together: the last was %.1f s behind the first, so rates that are added did not all happen at once; start them at one second, as the job of deploy/weir-bench does", apart)
		m.Warnings = append(m.Warnings, Warning{WarnApart, text})
	}
	m.Run = mergeRuns(files, m.Started)
	return m, nil
}

// mergeable says why files are not one load, or nil.
func mergeable(files []*File) error {
	first := files[0]
	var seen [][]byte
	for i, f := range files {
		refuse := func(why, cure string) error {
			return fmt.Errorf("result %d of %d cannot be merged: %s; %s", i+1, len(files), why, cure)
		}
		switch {
		case f.Run == nil:
			return refuse("it holds no run", "ratios and tables belong to the machine they were measured on, report them apart")
		case f.Compare != nil || len(f.Tables) > 0:
			return refuse("it holds comparisons or tables, which belong to one machine", "report it apart")
		case len(f.Run.Search) > 0:
			return refuse("it is a search of the highest rate", "run with a rate that every machine is given")
		case f.Run.Workload != first.Run.Workload:
			return refuse(fmt.Sprintf("its workload is %q, that of the first is %q", f.Run.Workload, first.Run.Workload), "merge runs of one workload")
		case f.Run.Loop != first.Run.Loop:
			return refuse(fmt.Sprintf("its loop is %s, that of the first is %s", f.Run.Loop, first.Run.Loop), "latencies of the two mean different things, report them apart")
		case !sameStreams(f.Run.Subscriptions, first.Run.Subscriptions):
			return refuse("its subscriptions differ from those of the first", "merge runs with the same subscriptions")
		}
		for j, g := range files[:i] {
			overlap := min(f.Started.Add(seconds(f.Seconds)).Sub(g.Started), g.Started.Add(seconds(g.Seconds)).Sub(f.Started))
			if overlap < seconds(min(f.Seconds, g.Seconds)/2) {
				return refuse(fmt.Sprintf("it did not run at the same time as result %d (%s and %s)", j+1, g.Started.UTC().Format(time.DateTime), f.Started.UTC().Format(time.DateTime)),
					"one load of several machines runs together; to see what changed between two runs use --base")
			}
		}
		var text bytes.Buffer
		if err := f.Encode(&text); err != nil {
			return err
		}
		if slices.ContainsFunc(seen, func(b []byte) bool { return bytes.Equal(b, text.Bytes()) }) {
			return refuse("it is there twice", "give each file once")
		}
		seen = append(seen, text.Bytes())
	}
	return nil
}

func sameStreams(a, b *Subscriptions) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Name == b.Name && a.Protocol == b.Protocol)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func longest(files []*File) (s float64) {
	for _, f := range files {
		s = max(s, f.Seconds)
	}
	return s
}

func mergeRuns(files []*File, start time.Time) *Run {
	first := files[0].Run
	m := &Run{Loop: first.Loop, Workload: first.Workload, Seed: first.Seed}
	rows := map[int]*Second{}
	var plans []string
	for _, f := range files {
		r := f.Run
		for _, t := range r.Targets {
			if !slices.Contains(m.Targets, t) {
				m.Targets = append(m.Targets, t)
			}
		}
		if r.Arrivals != "" {
			plans = append(plans, r.Arrivals)
		}
		m.Connections += r.Connections
		m.Total.Merge(&r.Total)
		m.Generator.merge(&r.Generator)
		for i := range r.Operations {
			m.operation(&r.Operations[i]).Merge(&r.Operations[i].Stats)
		}
		addSeries(rows, r.Series, f.Started.Sub(start).Seconds())
		m.Thresholds = worst(m.Thresholds, r.Thresholds)
		if r.Subscriptions != nil {
			if m.Subscriptions == nil {
				m.Subscriptions = &Subscriptions{Name: r.Subscriptions.Name, Protocol: r.Subscriptions.Protocol}
			}
			m.Subscriptions.merge(r.Subscriptions)
		}
	}
	m.Arrivals = joined(plans)
	if m.Total.Requests > 0 {
		m.Generator.CPUPerRequest = m.Generator.CPUSeconds * 1e6 / float64(m.Total.Requests)
	}
	for _, second := range rows {
		m.Series = append(m.Series, *second)
	}
	slices.SortFunc(m.Series, func(a, b Second) int { return int(a.At - b.At) })
	return m
}

// joined is "3 x constant:100" for equal plans.
func joined(plans []string) string {
	if len(plans) == 0 {
		return ""
	}
	if len(plans) > 1 && !slices.ContainsFunc(plans, func(p string) bool { return p != plans[0] }) {
		return fmt.Sprintf("%d x %s", len(plans), plans[0])
	}
	return strings.Join(plans, " + ")
}

// operation finds the operation of the same name and kind, or adds it.
func (r *Run) operation(o *Operation) *Stats {
	for i := range r.Operations {
		if r.Operations[i].Name == o.Name && r.Operations[i].Kind == o.Kind {
			return &r.Operations[i].Stats
		}
	}
	r.Operations = append(r.Operations, Operation{Name: o.Name, Kind: o.Kind})
	return &r.Operations[len(r.Operations)-1].Stats
}

// Merge adds o, as if one generator had made all requests at the same time.
func (s *Stats) Merge(o *Stats) {
	s.Requests += o.Requests
	s.Errors += o.Errors
	s.Failures = addFailures(s.Failures, o.Failures)
	s.Excused += o.Excused
	s.Hits += o.Hits
	s.Misses += o.Misses
	s.StaleHits += o.StaleHits
	s.StaleEntities += o.StaleEntities
	s.Bytes += o.Bytes
	s.Rate += o.Rate
	s.Latency.Merge(o.Latency)
	s.Service.Merge(o.Service)
}

func addFailures(to, from map[string]int64) map[string]int64 {
	for kind, n := range from {
		if to == nil {
			to = map[string]int64{}
		}
		to[kind] += n
	}
	return to
}

func (g *Generator) merge(o *Generator) {
	g.CPUSeconds += o.CPUSeconds
	g.Busy = max(g.Busy, o.Busy) // the busiest is the limit
	g.Lateness.Merge(o.Lateness)
	g.Waited += o.Waited
}

func (s *Subscriptions) merge(o *Subscriptions) {
	s.Wanted += o.Wanted
	s.Opened += o.Opened
	s.Open += o.Open
	s.Errors += o.Errors
	s.Failures = addFailures(s.Failures, o.Failures)
	s.Events += o.Events
	s.Bytes += o.Bytes
	s.PerSecond += o.PerSecond
	s.Setup.Merge(o.Setup)
	s.Delay.Merge(o.Delay)
}

// addSeries adds rows that began offset seconds after the merged run.
func addSeries(to map[int]*Second, series []Second, offset float64) {
	for _, s := range series {
		at := int(math.Round(s.At + offset))
		row := to[at]
		if row == nil {
			row = &Second{At: float64(at)}
			to[at] = row
		}
		row.Requests += s.Requests
		row.Errors += s.Errors
		row.Hits += s.Hits
		row.Misses += s.Misses
		row.P50, row.P90, row.P99, row.Max = max(row.P50, s.P50), max(row.P90, s.P90), max(row.P99, s.P99), max(row.Max, s.Max)
	}
}

// worst keeps, for each condition, the verdict of the machine that missed it, if any.
func worst(kept, more []Threshold) []Threshold {
	for _, t := range more {
		i := slices.IndexFunc(kept, func(k Threshold) bool { return k.Condition == t.Condition })
		switch {
		case i < 0:
			kept = append(kept, t)
		case kept[i].Pass && !t.Pass:
			kept[i] = t
		}
	}
	return kept
}

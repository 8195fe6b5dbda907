package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/weirproxy/weir/bench/internal/result"
)

func (p *page) run(f *result.File, base *result.Run) {
	r := f.Run
	p.runFacts(r)
	p.add(thresholds(r))
	p.add(search(r))
	p.add(percentiles(r, base))
	p.add(overTime(r, len(f.Machines)))
	p.add(operations(r, base))
	p.add(failures(r))
	p.add(subscriptions(r.Subscriptions))
	p.add(generator(r))
}

func (p *page) runFacts(r *result.Run) {
	t := &r.Total
	add := func(name, value, note, class string) { p.Facts = append(p.Facts, fact{name, value, note, class}) }
	add("Requests", count(t.Requests), perSecond(t.Rate), "")
	class := ""
	if t.Errors > 0 {
		class = "bad"
	}
	add("Failed", percent(t.Errors, t.Requests), count(t.Errors)+" requests", class)
	add("Median", latency(t.Latency, 50), "p90 "+latency(t.Latency, 90), "")
	add("p99", latency(t.Latency, 99), "p99.9 "+latency(t.Latency, 99.9), "")
	if t.Hits+t.Misses > 0 {
		note := count(t.Hits) + " hits"
		if t.StaleHits > 0 {
			note += ", " + count(t.StaleHits) + " past their lifetime"
		}
		add("Cache hits", percent(t.Hits, t.Hits+t.Misses), note, "")
	}
	if t.StaleEntities > 0 {
		add("Stale objects", count(t.StaleEntities), "older than an acknowledged write", "bad")
	}
	if r.Subscriptions != nil {
		add("Events", perSecond(r.Subscriptions.PerSecond), plural(int(min(r.Subscriptions.Open, 1<<31)), "stream")+" open", "")
	}
}

func thresholds(r *result.Run) section {
	g := grid{Columns: append(words("Condition"), append(numbers("Measured", "Limit"), words("Verdict")...)...)}
	for _, t := range r.Thresholds {
		unit := unitAfter(clip(unitOf(t.Condition), 5))
		g.Rows = append(g.Rows, []cell{code(t.Condition), text(number(t.Value) + unit), text(short(t.Limit) + unit), passed(t.Pass)})
	}
	if len(g.Rows) == 0 {
		return section{}
	}
	return section{ID: "thresholds", Title: "Thresholds", Grids: []grid{g}}
}

// percentileTicks are the marks of the percentile axis, which is logarithmic in the share that lies beyond.
var percentileTicks = []tick{{0, "0"}, {beyond(50), "50"}, {beyond(90), "90"}, {beyond(99), "99"}, {beyond(99.9), "99.9"}, {beyond(99.99), "99.99"}, {beyond(99.999), "99.999"}}

func beyond(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

// curve samples a histogram as far as a request lies beyond, at most to 99.999.
func curve(name string, h result.Histogram, color int) line {
	l := line{Name: name, Color: color}
	end := min(5, math.Log10(max(float64(h.Count()), 10)))
	for i := range 161 {
		x := end * float64(i) / 160
		l.X = append(l.X, x)
		l.Y = append(l.Y, float64(h.At(100*(1-math.Pow(10, -x)))))
	}
	return l
}

func percentiles(r, base *result.Run) section {
	t := &r.Total
	if t.Latency.Count() == 0 {
		return section{}
	}
	c := &chart{
		ID: "percentiles", Title: "Latency by percentile", Wide: true,
		X: axis{Label: "percentile of requests", Fixed: percentileTicks, Format: func(x float64) string {
			return "p" + strconv.FormatFloat(100*(1-math.Pow(10, -x)), 'f', max(int(x), 0), 64)
		}},
		Y: axis{Format: micros, Zero: true},
	}
	from := "from sent"
	if r.Loop == "open" {
		from = "from due"
	}
	s := section{ID: "latency", Title: "Latency", Text: "Of answered requests, from the moment each was sent. A closed loop waits for a slow server, so it sends less while the server stalls: what users would have seen then is not in it."}
	c.Lines = append(c.Lines, curve(from, t.Latency, 1))
	rows := []percentileRow{{from, t.Latency}}
	if r.Loop == "open" {
		s.Text = "Of answered requests, from the moment each was due, so that a stall shows in all requests that had to wait for it."
		if t.Service.Count() > 0 {
			s.Text += " Beside it the time from the moment each was sent: what a tool would report that waits for answers."
			service := curve("from sent", t.Service, 2)
			service.Dashed = true
			c.Lines, rows = append(c.Lines, service), append(rows, percentileRow{"from sent", t.Service})
		}
	}
	if base != nil && base.Total.Latency.Count() > 0 {
		c.Lines, rows = append(c.Lines, curve("base", base.Total.Latency, 0)), append(rows, percentileRow{"base, " + from, base.Total.Latency})
	}
	c.Y.Log = t.Latency.Max() > 30*max(t.Latency.At(1), 1)
	c.Text = fmt.Sprintf("The median is %s, p99 %s, p99.9 %s, the maximum %s.", latency(t.Latency, 50), latency(t.Latency, 99), latency(t.Latency, 99.9), micros(float64(t.Latency.Max())))
	s.Pictures, s.Grids = []picture{c}, []grid{percentileGrid(rows)}
	return s
}

type percentileRow struct {
	name string
	h    result.Histogram
}

func percentileGrid(rows []percentileRow) grid {
	g := grid{Columns: append(words("Latency"), numbers("Mean", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "p99.999", "Max")...)}
	for _, r := range rows {
		cells := []cell{text(r.name), text(micros(r.h.Mean()))}
		for _, q := range []float64{50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 100} {
			c := text(latency(r.h, q))
			if q < 100 && float64(r.h.Count())*(1-q/100) < 1 {
				c = marked("too few", "faint") // no request lies beyond it
			}
			cells = append(cells, c)
		}
		g.Rows = append(g.Rows, cells)
	}
	return g
}

func operations(r, base *result.Run) section {
	g := grid{Sortable: true, Columns: append(words("Operation", "Kind"), numbers("Requests", "Rate", "Failed", "Hits", "p50", "p90", "p99", "p99.9", "Max", "Body")...)}
	old := map[string]*result.Stats{}
	if base != nil {
		g.Columns = append(g.Columns, numbers("Base p50", "Base p99")...)
		for i := range base.Operations {
			old[base.Operations[i].Kind+" "+base.Operations[i].Name] = &base.Operations[i].Stats
		}
	}
	list := slices.SortedStableFunc(slices.Values(r.Operations), func(a, b result.Operation) int { return cmp.Compare(b.Stats.Requests, a.Stats.Requests) })
	const most = 200
	s := section{ID: "operations", Title: "Operations"}
	if len(list) > most {
		s.Text = fmt.Sprintf("The %d most frequent of %d operations.", most, len(list))
		list = list[:most]
	}
	for i := range list {
		o := &list[i]
		st := &o.Stats
		failed := figured(percent(st.Errors, st.Requests), float64(st.Errors)/max(float64(st.Requests), 1))
		if st.Errors > 0 {
			failed.Class = "bad"
		}
		row := []cell{code(o.Name), text(o.Kind), figured(count(st.Requests), float64(st.Requests)), figured(perSecond(st.Rate), st.Rate), failed, figured(percent(st.Hits, st.Hits+st.Misses), float64(st.Hits)/max(float64(st.Hits+st.Misses), 1))}
		row = append(row, at(st, 50), at(st, 90), at(st, 99), at(st, 99.9), at(st, 100))
		body := float64(st.Bytes) / max(float64(st.Latency.Count()), 1)
		row = append(row, figured(size(body), body))
		if base != nil {
			if b := old[o.Kind+" "+o.Name]; b != nil {
				row = append(row, at(b, 50), at(b, 99))
			} else {
				row = append(row, text(none), text(none))
			}
		}
		g.Rows = append(g.Rows, row)
	}
	if len(g.Rows) > 0 {
		s.Grids = []grid{g}
	}
	return s
}

func at(s *result.Stats, percentile float64) cell {
	return figured(latency(s.Latency, percentile), float64(s.Latency.At(percentile)))
}

func failures(r *result.Run) section {
	g := grid{Columns: append(words("Kind"), numbers("Requests", "Share of all")...)}
	kinds := slices.SortedFunc(maps.Keys(r.Total.Failures), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Total.Failures[b], r.Total.Failures[a]), cmp.Compare(a, b))
	})
	for _, kind := range kinds {
		n := r.Total.Failures[kind]
		g.Rows = append(g.Rows, []cell{text(kind), figured(count(n), float64(n)), text(percent(n, r.Total.Requests))})
	}
	s := section{ID: "failures", Title: "Failures"}
	if r.Total.Excused > 0 {
		s.Text = count(r.Total.Excused) + " failures were expected and do not count."
	}
	if len(g.Rows) > 0 {
		s.Grids = []grid{g}
	}
	return s
}

func subscriptions(s *result.Subscriptions) section {
	if s == nil {
		return section{}
	}
	g := grid{Columns: append(words("Subscription", "Protocol"), numbers("Wanted", "Opened", "Open at the end", "Failed", "Events", "Setup p50", "Setup p99", "Delay p50", "Delay p99")...)}
	failed := text(count(s.Errors))
	if s.Errors > 0 {
		failed.Class = "bad"
	}
	g.Rows = [][]cell{{
		code(s.Name), text(s.Protocol), text(count(int64(s.Wanted))), text(count(s.Opened)), text(count(s.Open)), failed, text(perSecond(s.PerSecond)),
		text(latency(s.Setup, 50)), text(latency(s.Setup, 99)), text(latency(s.Delay, 50)), text(latency(s.Delay, 99)),
	}}
	out := section{ID: "subscriptions", Title: "Subscriptions", Grids: []grid{g}}
	if s.Delay.Count() == 0 {
		out.Text = "Events carried no time, so their delay is not known."
	}
	if len(s.Failures) > 0 {
		kinds := grid{Columns: append(words("Kind of failure"), numbers("Streams")...)}
		for _, kind := range slices.Sorted(maps.Keys(s.Failures)) {
			kinds.Rows = append(kinds.Rows, []cell{text(kind), text(count(s.Failures[kind]))})
		}
		out.Grids = append(out.Grids, kinds)
	}
	return out
}

func generator(r *result.Run) section {
	g := &r.Generator
	out := grid{Columns: numbers("Processor time", "Per request", "Busy", "Late p50", "Late p99", "Late max", "Waited for a connection")}
	busy := text(share(g.Busy))
	if g.Busy > 0.8 {
		busy.Class = "bad"
	}
	waited := text(percent(g.Waited, r.Total.Requests))
	if g.Waited*100 > r.Total.Requests {
		waited.Class = "bad"
	}
	late := func(percentile float64) cell { return text(latency(g.Lateness, percentile)) }
	out.Rows = [][]cell{{text(number(g.CPUSeconds) + " s"), text(micros(g.CPUPerRequest)), busy, late(50), late(99), late(100), waited}}
	return section{ID: "generator", Title: "The generator itself", Text: "Figures of the target can be trusted while the generator is not busy all the time, sends on time and finds a free connection.", Grids: []grid{out}}
}

package federation

import (
	"github.com/weirproxy/weir/bench/internal/result"
)

const big, two = "big", "two"

// judge makes the table of all that ran, and the rows with gates.
func judge(records []record) result.Table {
	t := result.Table{
		Name: "federation", Title: "The supergraph mode beside a floor written by hand",
		Text: "Processor time per request, user and system, of the router's process group. big is the public gateway benchmark's operation (87,327 B, users and top products five levels deep), two is " +
			"a query of two fetches (823 B). The floor is a fasthttp server that sends exactly the fetches of a known plan, scans each answer once and answers known bytes: no planning, no JSON. " +
			"Each slice of a router is followed by one of the floor; router and floor on one processor, subgraphs and 50 connections of wrk on the other, closed loop. weir and hive share nothing " +
			"between requests; -dedup is one fetch for those who ask the same at the same time, -inbound one execution; -memo remembers entities within a request. Row 9, fetches over the audit's tests, is printed by make audit.",
		Columns: []result.Column{
			{Name: "CPU per request", Unit: "µs"},
			{Name: "÷ floor"},
			{Name: "requests", Unit: "1/s"},
			{Name: "p50", Unit: "ms"},
			{Name: "p99", Unit: "ms"},
			{Name: "fetches per request"},
			{Name: "fetches, alone"},
			{Name: "RSS", Unit: "MiB"},
		},
	}
	for _, query := range []string{big, two} {
		for _, target := range []string{alone, memo, shared, inbound, hiveAlone, hiveShared, hiveInbound} {
			get := func(f func(record) float64) float64 { return median(of(records, target, query, f)) }
			if len(of(records, target, query, overFloor)) == 0 {
				continue
			}
			t.Labels = append(t.Labels, query+", "+target)
			t.Rows = append(t.Rows, []float64{
				get(own(cpu)), get(overFloor), get(own(rate)), get(own(p50)) / 1e3, get(own(p99)) / 1e3, get(own(fetches)), get(fetchesAlone), get(rss),
			})
		}
	}
	t.Gates = gates(records)
	return t
}

func fetchesAlone(r record) float64 { return r.Alone }
func rss(r record) float64          { return r.RSS }

// gates are rows 1 to 6 and 8; what needs Hive Router is left out when it was not in the run.
func gates(records []record) (rows []result.Row) {
	row := func(name, what, unit string, values []float64, gate, aim float64) {
		if len(values) == 0 {
			return
		}
		v := result.Bootstrap(values)
		rows = append(rows, result.Row{Row: name, What: what, Unit: unit, Value: v, Gate: gate, Aim: aim, Pass: v.Median <= gate})
	}
	floor := func(name, what, target, query string, gate, aim float64) {
		row(name, what+" ÷ floor", "ratio", of(records, target, query, overFloor), gate, aim)
	}
	// Instances of two routers have nothing to do with each other: both are taken by the floor beside them, and the peer by its median.
	hive := func(name, what, target, peer, query string, f func(record) float64, gate, aim float64) {
		theirs := median(of(records, peer, query, f))
		if theirs == 0 {
			return
		}
		var ratios []float64
		for _, v := range of(records, target, query, f) {
			ratios = append(ratios, v/theirs)
		}
		row(name, what+" ÷ Hive Router's", "ratio", ratios, gate, aim)
	}
	floor("1", "big", alone, big, 2.3, 1.55)
	hive("1 hive", "big", alone, hiveAlone, big, overFloor, 0.47, 0.32)
	floor("2", "big with entity memo", memo, big, 1.7, 1.2)
	hive("2 hive", "big with entity memo", memo, hiveAlone, big, overFloor, 0.35, 0.25)
	row("2 fetches", "fetches of big with entity memo, a request alone", "fetches", of(records, memo, big, fetchesAlone), 4, 4)
	floor("3", "two", alone, two, 2.0, 1.35)
	hive("3 hive", "two", alone, hiveAlone, two, overFloor, 0.48, 0.33)
	floor("4", "big with subgraph dedup", shared, big, 1.4, 0.95)
	hive("4 hive", "big with subgraph dedup", shared, hiveShared, big, overFloor, 0.49, 0.33)
	hive("5 big", "big with inbound dedup", inbound, hiveInbound, big, overFloor, 0.9, 0.7)
	hive("5 two", "two with inbound dedup", inbound, hiveInbound, two, overFloor, 0.7, 0.4)
	hive("6 p50", "p50 of big", alone, hiveAlone, big, own(p50), 0.55, 0.33)
	hive("6 p99", "p99 of big", alone, hiveAlone, big, own(p99), 0.6, 0.38)
	row("8", "resident memory after big", "MiB", of(records, alone, big, rss), 57, 35)
	return rows
}

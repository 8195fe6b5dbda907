package federation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/vitals"
	"github.com/weirproxy/weir/planner"
)

// coldRuns is how often each document is planned, in so many pieces of as many plans: a piece takes several ticks of the kernel's clock.
const coldRuns, coldPlansEach = 7, 400

// coldPlans is row 7: the processor time, garbage collection included, from a document's text to the plan of its fetches when no cache knows it.
func coldPlans(kit string) (rows []result.Row, err error) {
	sdl, err := os.ReadFile(filepath.Join(kit, "supergraph.graphql"))
	if err != nil {
		return nil, err
	}
	s, err := planner.LoadSupergraph("supergraph.graphql", strings.ReplaceAll(string(sdl), "{{host}}", "127.0.0.1:1"))
	if err != nil {
		return nil, err
	}
	for _, q := range []struct {
		name      string
		gate, aim float64
	}{{big, 1.7, 0.4}, {two, 0.45, 0.1}} {
		document, err := os.ReadFile(filepath.Join(kit, "queries", q.name+".graphql"))
		if err != nil {
			return rows, err
		}
		var pieces []float64
		for range coldRuns {
			spent, err := coldPiece(s, string(document))
			if err != nil {
				return rows, fmt.Errorf("%s: %w", q.name, err)
			}
			pieces = append(pieces, float64(spent.Microseconds())/1e3/coldPlansEach)
		}
		v := result.Bootstrap(pieces)
		rows = append(rows, result.Row{
			Row: "7 " + q.name, What: "cold plan of " + q.name + ", processor time", Unit: "ms", Value: v, Gate: q.gate, Aim: q.aim, Pass: v.Median <= q.gate,
			Remark: "from the text to the plan, without any cache",
		})
	}
	return rows, nil
}

func coldPiece(s *planner.Supergraph, document string) (time.Duration, error) {
	before, err := vitals.CPU(os.Getpid())
	if err != nil {
		return 0, err
	}
	for range coldPlansEach {
		p := planner.Build(s.Schema(), document, "", planner.Options{})
		var v planner.Values
		if errs := p.Coerce(nil, &v); len(errs) > 0 {
			return 0, &errs[0]
		}
		if _, err := p.Fetches(&v); err != nil {
			return 0, err
		}
	}
	after, err := vitals.CPU(os.Getpid())
	return after - before, err
}

package main

import (
	"fmt"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
)

// overBudget tells which budgets of the configuration the operation is beyond.
func overBudget(d *planner.Description, s *config.Supergraph) (list []string) {
	if d.Fetches == nil || s.Budget.Mode == "off" {
		return nil
	}
	over := func(what string, points int64, budget int) {
		if budget > 0 && points > int64(budget) {
			list = append(list, fmt.Sprintf("%s costs up to %d points, the budget is %d", what, points, budget))
		}
	}
	over("the operation", d.Cost.Points, s.Budget.Operation)
	sums := map[string]int64{}
	for _, c := range d.FetchCosts {
		sums[c.Subgraph] += c.Points
	}
	for _, name := range d.Fetches.Subgraphs {
		budget := s.Budget.Subgraph
		if own := s.Subgraphs[name].Budget; own > 0 {
			budget = own
		}
		over("the subgraph "+name, sums[name], budget)
	}
	return list
}

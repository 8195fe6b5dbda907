package assemble

import (
	"cmp"
	"slices"

	"github.com/weirproxy/weir/planner/internal/route"
)

// request is what is asked of a subgraph at once.
type request struct {
	groups []*route.Group
	deps   map[*request]bool
	step   int
}

// requests merges groups: entity groups of one graph that do not wait for each other, and for which the same parts of the answer wait, are
// one request, as long as the plan does not get deeper by it.
func requests(groups []*route.Group, serial bool) []*request {
	of := map[*route.Group]*request{}
	var list []*request
	for _, g := range groups {
		q := &request{groups: []*route.Group{g}, deps: map[*request]bool{}}
		of[g] = q
		list = append(list, q)
	}
	for _, g := range groups {
		for _, d := range g.Deps {
			of[g].deps[of[d]] = true
		}
	}
	if serial {
		order(groups, of)
	}
	list = merge(list, serial)
	depths := levels(list)
	slices.SortStableFunc(list, func(a, b *request) int {
		return cmp.Or(cmp.Compare(depths[a], depths[b]), cmp.Compare(a.groups[0].ID, b.groups[0].ID))
	})
	for i, q := range list {
		q.step = i
	}
	return list
}

// order makes each root group of a mutation wait for all that belongs to those before it.
func order(groups []*route.Group, of map[*route.Group]*request) {
	var roots []*route.Group
	for _, g := range groups {
		if !g.Entity {
			roots = append(roots, g)
		}
	}
	run := func(g *route.Group) int { // the last root group whose fields come before what g belongs to
		if !g.Entity {
			return slices.Index(roots, g)
		}
		for i, r := range roots {
			for _, k := range r.Source.Picks {
				if k.Node.Child != nil && k.Node.Child.Serial == g.Source.Place.Serial {
					return i
				}
			}
		}
		return 0
	}
	for _, r := range roots {
		for _, g := range groups {
			if run(g) < run(r) {
				of[r].deps[of[g]] = true
			}
		}
	}
}

// levels tells, for each request, how many have to be answered one after another up to it.
func levels(list []*request) map[*request]int {
	out := make(map[*request]int, len(list))
	var level func(q *request) int
	level = func(q *request) int {
		if n, ok := out[q]; ok {
			return n
		}
		n := 1
		for on := range q.deps {
			n = max(n, 1+level(on))
		}
		out[q] = n
		return n
	}
	for _, q := range list {
		level(q)
	}
	return out
}

func (q *request) reaches(other *request) bool {
	seen := map[*request]bool{}
	var look func(q *request) bool
	look = func(q *request) bool {
		if q == other {
			return true
		}
		if seen[q] {
			return false
		}
		seen[q] = true
		for on := range q.deps {
			if look(on) {
				return true
			}
		}
		return false
	}
	return look(q)
}

func deepest(list []*request) int {
	d := 0
	for _, n := range levels(list) {
		d = max(d, n)
	}
	return d
}

// level joins the entity requests for one graph that are as deep as each other: none of them waits for another.
func level(list []*request, serial bool) []*request {
	type place struct {
		graph, level, serial int
		part                 route.Members
	}
	depths := levels(list)
	first := map[place]*request{}
	moved := map[*request]*request{}
	var out []*request
	for _, q := range list {
		g := q.groups[0]
		at := place{g.Graph, depths[q], 0, g.For}
		if serial {
			at.serial = g.Source.Place.Serial
		}
		into := first[at]
		if !g.Entity || into == nil {
			out = append(out, q)
			if g.Entity {
				first[at] = q
			}
			continue
		}
		into.groups = append(into.groups, q.groups...)
		for on := range q.deps {
			into.deps[on] = true
		}
		moved[q] = into
	}
	for _, q := range out {
		for on := range q.deps {
			if into := moved[on]; into != nil {
				delete(q.deps, on)
				q.deps[into] = true
			}
		}
	}
	return out
}

// merge joins requests, those of one depth first.
func merge(list []*request, serial bool) []*request {
	list = level(list, serial)
	limit := deepest(list)
	for i := 0; i < len(list); i++ {
		for j := i + 1; j < len(list); j++ {
			a, b := list[i], list[j]
			x, y := a.groups[0], b.groups[0]
			if !x.Entity || !y.Entity || x.Graph != y.Graph || x.For != y.For || serial && x.Source.Place.Serial != y.Source.Place.Serial || a.reaches(b) || b.reaches(a) {
				continue
			}
			if merged := joined(list, i, j); deepest(merged) <= limit {
				list = merged
				j = i
			}
		}
	}
	return list
}

// joined returns the list with two requests as one; the list and its requests stay as they are.
func joined(list []*request, i, j int) []*request {
	copies := make(map[*request]*request, len(list))
	out := make([]*request, 0, len(list))
	for n, q := range list {
		if n == j {
			continue
		}
		c := &request{groups: q.groups, deps: map[*request]bool{}}
		copies[q] = c
		out = append(out, c)
	}
	copies[list[j]] = copies[list[i]]
	copies[list[i]].groups = append(slices.Clone(list[i].groups), list[j].groups...)
	for _, q := range list {
		for on := range q.deps {
			if copies[on] != copies[q] {
				copies[q].deps[copies[on]] = true
			}
		}
	}
	return out
}

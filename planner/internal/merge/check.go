package merge

import (
	"math/bits"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqlerr"
)

// DefaultBudget is enough steps for any document a person writes, and little enough to end within some ten milliseconds.
const DefaultBudget = 1 << 20

// maxErrors bounds the errors reported; the check ends when it has so many.
const maxErrors = 20

// Check reports the fields of doc that have one response name but cannot be merged. It accepts a document if and only if
// the rule of the specification does, fragments that no operation uses included. When the work exceeds budget steps (0 or
// less: DefaultBudget) it gives up and says exhausted; errors found until then stand, but their absence says nothing. With
// a nil schema it checks names and arguments, and takes every parent type for one that may overlap.
func Check(schema *ast.Schema, doc *ast.QueryDocument, budget int) (errs []gqlerr.Error, exhausted bool) {
	if budget <= 0 {
		budget = DefaultBudget
	}
	b := newBuilder(schema, doc)
	c := newChecker(b, budget)
	c.all(b)
	return b.errors(c.conflicts), c.left < 0
}

func newChecker(b *builder, budget int) *checker {
	c := &checker{sets: b.sets, fragments: b.fragmentSets, left: budget, seen: make([]int32, len(b.sets)), many: map[string]struct{}{}}
	c.done[full], c.done[shapes] = make([]bool, len(b.sets)), make([]bool, len(b.sets))
	return c
}

// all checks the operations and then the fragments that none of them reaches.
func (c *checker) all(b *builder) {
	for _, id := range b.roots {
		c.start(id)
	}
	// Those that no other fragment spreads come first, so that each set is looked at once; what is left then are cycles.
	for _, all := range []bool{false, true} {
		for i, id := range b.fragmentSets {
			if all || !b.spread[i] {
				c.start(id)
			}
		}
	}
}

// What is asked of a merged set.
const (
	full   = iota // fields of one name: same field, same arguments, same shape of the result
	shapes        // same shape of the result only: the parents are different object types
)

// job is one merged set to look at: the union of selection sets.
type job struct {
	lo, hi int32 // its ids are checker.ids[lo:hi], sorted
	ask    uint8
	from   int32 // the job whose group it came from, -1 for a root
	name   int32 // and that group's response name
}

// checker works through the jobs. Each distinct union of sets becomes a job at most twice, once for each question.
type checker struct {
	sets      []set
	fragments []int32 // the set of each fragment

	jobs []job
	ids  []int32
	done [2][]bool           // for unions of one set
	many map[string]struct{} // for greater ones

	seen    []int32 // the job that last collected a set, plus 1
	stack   []int32
	records []record
	key     []byte

	conflicts []conflict
	left      int
}

func (c *checker) start(id int32) {
	if id < 0 || c.seen[id] != 0 || c.done[full][id] {
		return
	}
	at := len(c.ids)
	c.ids = append(c.ids, id)
	next := len(c.jobs)
	c.push(at, full, -1, 0)
	for ; next < len(c.jobs) && c.left >= 0 && len(c.conflicts) < maxErrors; next++ {
		c.run(int32(next))
	}
}

// push adds a job for the ids from at on, unless it was one before.
func (c *checker) push(at int, ask uint8, from, name int32) {
	slices.Sort(c.ids[at:])
	c.ids = c.ids[:at+len(slices.Compact(c.ids[at:]))]
	ids := c.ids[at:]
	c.left -= len(ids)
	switch {
	case len(ids) == 0:
		return
	case len(ids) == 1:
		if c.done[full][ids[0]] || c.done[ask][ids[0]] {
			c.ids = c.ids[:at]
			return
		}
		c.done[ask][ids[0]] = true
	default:
		c.key = append(c.key[:0], full)
		for _, id := range ids {
			c.key = append(c.key, byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
		}
		_, known := c.many[string(c.key)]
		if !known && ask == shapes {
			c.key[0] = shapes
			_, known = c.many[string(c.key)]
		}
		if known {
			c.ids = c.ids[:at]
			return
		}
		c.many[string(c.key)] = struct{}{}
	}
	c.jobs = append(c.jobs, job{int32(at), int32(len(c.ids)), ask, from, name})
}

// run looks at one job: collects the fields of its sets and of the fragments spread in them, and checks each group of
// fields that share a response name.
func (c *checker) run(n int32) {
	j := c.jobs[n]
	c.records = c.records[:0]
	c.stack = append(c.stack[:0], c.ids[j.lo:j.hi]...)
	sets := 0
	for len(c.stack) > 0 && c.left >= 0 {
		id := c.stack[len(c.stack)-1]
		c.stack = c.stack[:len(c.stack)-1]
		if c.seen[id] == n+1 {
			continue
		}
		c.seen[id] = n + 1
		s := &c.sets[id]
		sets++
		c.left -= 1 + len(s.records) + len(s.spreads)
		c.records = append(c.records, s.records...)
		for _, f := range s.spreads {
			if to := c.fragments[f]; to >= 0 {
				c.stack = append(c.stack, to)
			}
		}
	}
	if sets > 1 { // one set is sorted
		c.left -= len(c.records) * bits.Len(uint(len(c.records))) / 8
		slices.SortFunc(c.records, compareRecords)
		c.records = slices.CompactFunc(c.records, sameRecord)
	}
	for lo := 0; lo < len(c.records) && c.left >= 0 && len(c.conflicts) < maxErrors; {
		hi := lo + 1
		for hi < len(c.records) && c.records[hi].name == c.records[lo].name {
			hi++
		}
		c.group(n, c.records[lo:hi])
		lo = hi
	}
}

// group checks the fields of one response name, sorted by parent type with the abstract ones first, and asks for the sets
// behind them.
func (c *checker) group(n int32, g []record) {
	if c.jobs[n].ask == shapes || g[0].parent == g[len(g)-1].parent || secondParent(g) == len(g) {
		ask := c.jobs[n].ask
		if ask == full && !c.sameField(n, g[0], g) || !c.sameShape(n, g) {
			return
		}
		at := len(c.ids)
		c.addSubs(g)
		c.push(at, ask, n, g[0].name)
		return
	}
	c.exclusive(n, g)
}

// exclusive checks a group with fields of several object types. They never meet in one response, but each meets those of
// abstract types, and all must have one shape.
func (c *checker) exclusive(n int32, g []record) {
	abstract := 0
	for g[abstract].parent == 0 {
		abstract++
	}
	if abstract > 0 && !c.sameField(n, g[0], g[:abstract]) {
		return
	}
	for lo := abstract; lo < len(g); {
		hi := lo + 1
		for hi < len(g) && g[hi].parent == g[lo].parent {
			hi++
		}
		first := g[lo]
		if abstract > 0 {
			first = g[0]
		}
		if !c.sameField(n, first, g[lo:hi]) {
			return
		}
		at := len(c.ids)
		c.addSubs(g[:abstract])
		c.addSubs(g[lo:hi])
		c.push(at, full, n, g[0].name)
		lo = hi
	}
	if !c.sameShape(n, g) {
		return
	}
	at := len(c.ids)
	c.addSubs(g)
	c.push(at, shapes, n, g[0].name)
}

// secondParent returns where in g the fields of a second object type begin, len(g) when there is none.
func secondParent(g []record) int {
	i := 0
	for i < len(g) && g[i].parent == 0 {
		i++
	}
	first := i
	for i < len(g) && g[i].parent == g[first].parent {
		i++
	}
	return i
}

func (c *checker) addSubs(g []record) {
	c.left -= len(g)
	for i := range g {
		if g[i].sub >= 0 {
			c.ids = append(c.ids, g[i].sub)
		}
	}
}

// sameShape compares the shapes of a group. Fields of types that are not known take part in no comparison.
func (c *checker) sameShape(n int32, g []record) bool {
	known := -1
	for i := range g {
		switch {
		case g[i].shape == 0:
		case known < 0:
			known = i
		case g[i].shape != g[known].shape:
			c.conflict(n, g[known], g[i], typesDiffer)
			return false
		}
	}
	return true
}

func (c *checker) sameField(n int32, first record, g []record) bool {
	for i := range g {
		if g[i].field != first.field {
			c.conflict(n, first, g[i], fieldsDiffer)
			return false
		}
	}
	return true
}

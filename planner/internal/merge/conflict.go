package merge

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqlerr"
)

type reason uint8

const (
	fieldsDiffer reason = iota
	typesDiffer
)

// conflict is two fields that cannot be merged.
type conflict struct {
	path []int32 // response names from the root to the fields
	a, b int32   // nodes
	why  reason
}

func (c *checker) conflict(n int32, a, b record, why reason) {
	path := []int32{a.name}
	for i := n; i >= 0 && len(path) < maxPath; i = c.jobs[i].from {
		if c.jobs[i].from >= 0 {
			path = append(path, c.jobs[i].name)
		}
	}
	slices.Reverse(path)
	for _, known := range c.conflicts {
		if known.a == min(a.node, b.node) && known.b == max(a.node, b.node) {
			return // found by the question for shapes as well
		}
	}
	c.conflicts = append(c.conflicts, conflict{path, min(a.node, b.node), max(a.node, b.node), why})
}

// maxPath bounds the path in a message.
const maxPath = 50

// errors words the conflicts.
func (b *builder) errors(list []conflict) []gqlerr.Error {
	var out []gqlerr.Error
	for _, c := range list {
		var at []string
		for _, name := range c.path {
			at = append(at, b.names[name])
		}
		one, two := b.nodes[c.a], b.nodes[c.b]
		why := "their arguments differ"
		switch {
		case c.why == typesDiffer:
			why = "their types " + strconv.Quote(one.typ.String()) + " and " + strconv.Quote(two.typ.String()) + " give results of different shape"
		case one.field.Name != two.field.Name:
			why = strconv.Quote(one.field.Name) + " and " + strconv.Quote(two.field.Name) + " are different fields"
		}
		e := gqlerr.Error{
			Message: "Fields at " + strconv.Quote(strings.Join(at, ".")) + " cannot be merged into one: " + why + ". An alias on one of them tells them apart.",
			Code:    gqlerr.CodeValidate,
		}
		for _, n := range []node{one, two} {
			e.Locations = appendLocation(e.Locations, n.field.Position)
		}
		out = append(out, e)
	}
	return out
}

func appendLocation(dst []gqlerr.Location, p *ast.Position) []gqlerr.Location {
	if p == nil {
		return dst
	}
	return append(dst, gqlerr.Location{Line: p.Line, Column: p.Column})
}

package shape

import (
	"math/bits"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// possible lists the concrete types of a composite type; nil for others.
func (c *compiler) possible(d *ast.Definition) []int {
	switch {
	case d == nil:
		return nil
	case d.Kind == ast.Object:
		return []int{c.typeIndex(d)}
	case d.Kind != ast.Interface && d.Kind != ast.Union:
		return nil
	}
	if out, ok := c.concrete[d.Name]; ok {
		return out
	}
	var out []int
	for _, p := range c.schema.GetPossibleTypes(d) {
		if p.Kind == ast.Object {
			out = append(out, c.typeIndex(p))
		}
	}
	slices.Sort(out)
	c.concrete[d.Name] = slices.Compact(out)
	return c.concrete[d.Name]
}

// intersect returns what two sorted lists have in common.
func intersect(a, b []int) []int {
	if len(a) > len(b) {
		a, b = b, a
	}
	var out []int
	for _, x := range a {
		var i int
		var found bool
		if len(a)*bits.Len(uint(len(b))) < len(b) {
			i, found = slices.BinarySearch(b, x)
		} else {
			for i < len(b) && b[i] < x {
				i++
			}
			found = i < len(b) && b[i] == x
		}
		if found {
			out = append(out, x)
		}
		b = b[i:]
	}
	return out
}

// setSlice tells slices apart that hold sets of types. Such slices are never written to once they are made.
type setSlice struct {
	first *int
	n     int
}

// setNumber gives equal sets of types, sorted, the same number.
func (c *compiler) setNumber(types []int) int {
	if len(types) == 0 {
		return 0
	}
	at := setSlice{&types[0], len(types)}
	if n, known := c.slices[at]; known {
		return n
	}
	c.spend(len(types))
	b := make([]byte, 0, 4*len(types))
	for _, t := range types {
		b = append(strconv.AppendInt(b, int64(t), 10), ' ')
	}
	n, known := c.sets[string(b)]
	if !known {
		n = len(c.sets) + 1
		c.sets[string(b)] = n
	}
	c.slices[at] = n
	return n
}

// union returns the types of all parts, sorted.
func (c *compiler) union(parts []selection) []int {
	seen := make(map[int]struct{}, 1)
	var sets [][]int
	for _, p := range parts {
		n := c.setNumber(p.types)
		if _, again := seen[n]; !again {
			seen[n] = struct{}{}
			sets = append(sets, p.types)
		}
	}
	return c.merge(sets)
}

// merge merges sorted lists.
func (c *compiler) merge(sets [][]int) []int {
	if len(sets) == 1 {
		return sets[0]
	}
	for _, s := range sets {
		c.spend(len(s))
	}
	if c.overflow {
		return nil
	}
	out := slices.Concat(sets...)
	slices.Sort(out)
	return slices.Compact(out)
}

// keyTypes lists those of the types, the set with the given number, whose key is the field name.
func (c *compiler) keyTypes(name string, number int, types []int) []int {
	at := keyName{name, number}
	of, known := c.keyTypesOf[at]
	if !known {
		c.spend(len(types))
		for _, t := range types {
			if c.shape.types[t].key == name {
				of = append(of, t)
			}
		}
		c.keyTypesOf[at] = of
	}
	return of
}

package cost

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/coerce"
)

// flag is a Boolean variable and the value it must have.
type flag struct {
	variable string
	want     bool
}

// guard holds when all its flags do.
type guard struct{ flags span }

// open tells whether one of the guards holds. A variable without a value does not close one.
func (f *Formula) open(s span, v *coerce.Values) bool {
	if s.lo == s.hi {
		return true
	}
	for _, g := range f.guards[s.lo:s.hi] {
		holds := true
		for _, x := range f.flags[g.flags.lo:g.flags.hi] {
			if b, ok := v.Find(x.variable, nil).Bool(); ok && b != x.want {
				holds = false
				break
			}
		}
		if holds {
			return true
		}
	}
	return false
}

// conditions gives numbers to conjunctions of flags; 0 is the one that always holds, -1 the one that never does.
type conditions struct {
	list  [][]flag
	known map[string]int32
}

func newConditions() conditions {
	return conditions{list: [][]flag{nil}, known: map[string]int32{"": 0}}
}

// of reads @skip and @include.
func (c *conditions) of(directives ast.DirectiveList) int32 {
	var flags []flag
	for _, d := range directives {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		a := d.Arguments.ForName("if")
		if a == nil || a.Value == nil {
			continue
		}
		want := d.Name == "include"
		switch a.Value.Kind {
		case ast.BooleanValue:
			if (a.Value.Raw == "true") != want {
				return -1
			}
		case ast.Variable:
			flags = append(flags, flag{a.Value.Raw, want})
		}
	}
	return c.number(flags)
}

// and is the conjunction of two.
func (c *conditions) and(a, b int32) int32 {
	switch {
	case a < 0 || b < 0:
		return -1
	case a == 0 || a == b:
		return b
	case b == 0:
		return a
	}
	return c.number(slices.Concat(c.list[a], c.list[b]))
}

func (c *conditions) number(flags []flag) int32 {
	slices.SortFunc(flags, func(a, b flag) int {
		return cmp.Or(cmp.Compare(a.variable, b.variable), cmp.Compare(toInt(a.want), toInt(b.want)))
	})
	flags = slices.Compact(flags)
	var key strings.Builder
	for i, f := range flags {
		if i > 0 && flags[i-1].variable == f.variable {
			return -1
		}
		key.WriteString(f.variable)
		key.WriteByte("!="[toInt(f.want)])
	}
	n, known := c.known[key.String()]
	if !known {
		n = int32(len(c.list))
		c.list = append(c.list, flags)
		c.known[key.String()] = n
	}
	return n
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

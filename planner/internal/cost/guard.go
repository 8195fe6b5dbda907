package cost

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/coerce"
)

// flag is a Boolean variable and the value it must have.
type flag struct {
	variable int32
	want     bool
}

// guard holds when all its flags do.
type guard struct{ flags span }

// open tells whether one of the guards holds. A variable without a value does not close one.
func (f *Formula) open(s span, values []coerce.Value) bool {
	if s.lo == s.hi {
		return true
	}
	for _, g := range f.guards[s.lo:s.hi] {
		holds := true
		for _, x := range f.flags[g.flags.lo:g.flags.hi] {
			if b, ok := values[x.variable].Bool(); ok && b != x.want {
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
	list      [][]flag
	known     map[string]int32
	variables map[string]int32
}

func newConditions(variables map[string]int32) conditions {
	return conditions{list: [][]flag{nil}, known: map[string]int32{"": 0}, variables: variables}
}

// variable numbers a variable.
func variable(known map[string]int32, name string) int32 {
	n, ok := known[name]
	if !ok {
		n = int32(len(known))
		known[name] = n
	}
	return n
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
			flags = append(flags, flag{variable(c.variables, a.Value.Raw), want})
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
	var key []byte
	for i, f := range flags {
		if i > 0 && flags[i-1].variable == f.variable {
			return -1
		}
		key = append(binary.LittleEndian.AppendUint32(key, uint32(f.variable)), byte(toInt(f.want)))
	}
	n, known := c.known[string(key)]
	if !known {
		n = int32(len(c.list))
		c.list = append(c.list, flags)
		c.known[string(key)] = n
	}
	return n
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

package merge

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// appendField appends the field's name and arguments such that two fields get the same bytes if and only if they are the
// same field with the same arguments: in whatever order, but each value as it is written.
func appendField(dst []byte, f *ast.Field) []byte {
	dst = appendText(dst, f.Name)
	if len(f.Arguments) == 0 {
		return dst
	}
	args := f.Arguments
	if !slices.IsSortedFunc(args, byName) {
		args = slices.Clone(args)
		slices.SortStableFunc(args, byName)
	}
	for _, a := range args {
		dst = appendValue(appendText(dst, a.Name), a.Value)
	}
	return dst
}

func byName(a, b *ast.Argument) int { return cmp.Compare(a.Name, b.Name) }

func byChildName(a, b *ast.ChildValue) int { return cmp.Compare(a.Name, b.Name) }

func appendText(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func appendValue(dst []byte, v *ast.Value) []byte {
	dst = append(dst, byte(v.Kind))
	switch v.Kind {
	case ast.ListValue:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v.Children)))
		for _, child := range v.Children {
			dst = appendValue(dst, child.Value)
		}
	case ast.ObjectValue:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v.Children)))
		children := v.Children
		if !slices.IsSortedFunc(children, byChildName) {
			children = slices.Clone(children)
			slices.SortStableFunc(children, byChildName)
		}
		for _, child := range children {
			dst = appendValue(appendText(dst, child.Name), child.Value)
		}
	default:
		dst = appendText(dst, v.Raw)
	}
	return dst
}

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
	for _, a := range sorted(f.Arguments, func(a, b *ast.Argument) int { return cmp.Compare(a.Name, b.Name) }) {
		dst = appendValue(appendText(dst, a.Name), a.Value)
	}
	return dst
}

// sorted returns list itself when it is sorted, which most are, else a sorted copy.
func sorted[T any](list []T, compare func(a, b T) int) []T {
	if slices.IsSortedFunc(list, compare) {
		return list
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, compare)
	return list
}

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
		for _, child := range sorted(v.Children, func(a, b *ast.ChildValue) int { return cmp.Compare(a.Name, b.Name) }) {
			dst = appendValue(appendText(dst, child.Name), child.Value)
		}
	default:
		dst = appendText(dst, v.Raw)
	}
	return dst
}

package coerce

import (
	"github.com/weirproxy/weir/planner/internal/gqlerr"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// Opaque puts the whole of raw, the JSON object of variables, into v as one opaque value: for an operation whose variables are not known.
func Opaque(raw []byte, depth int, v *Values) []gqlerr.Error {
	v.Reset()
	if depth <= 0 {
		depth = DefaultDepth
	}
	start := jsonscan.Space(raw, 0)
	if start == len(raw) {
		v.Canonical = append(v.Canonical, tagNull)
		return nil
	}
	start, st := jsonscan.Document(raw, depth)
	if st != jsonscan.OK {
		return refuseJSON(st, depth)
	}
	switch jsonscan.KindAt(raw, start) {
	case jsonscan.Null:
		v.Canonical = append(v.Canonical, tagNull)
		return nil
	case jsonscan.Object:
	default:
		return []gqlerr.Error{{Message: "Variables must be a JSON object.", Code: gqlerr.CodeRequest}}
	}
	dst, mark := openText(v.Canonical, tagJSON)
	dst = v.appendJSON(dst, raw, start)
	closeText(dst, mark)
	v.Canonical = dst
	v.scratch()
	return nil
}

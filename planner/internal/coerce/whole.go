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
	if errs := refuseVariables(raw, depth); errs != nil {
		return errs
	}
	if jsonscan.KindAt(raw, start) == jsonscan.Null {
		v.Canonical = append(v.Canonical, tagNull)
		return nil
	}
	dst, mark := openText(v.Canonical, tagJSON)
	dst = v.appendJSON(dst, raw, start)
	closeText(dst, mark)
	v.Canonical = dst
	v.scratch()
	return nil
}

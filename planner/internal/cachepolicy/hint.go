package cachepolicy

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// hint is what one @cacheControl says.
type hint struct {
	maxAge  int  // seconds
	given   bool // maxAge was given
	inherit bool
	private bool
	scoped  bool // scope was given
}

// hintOf reads the first @cacheControl of a definition; those of its extensions stand behind its own. Beside
// inheritMaxAge: true a maxAge is void.
func hintOf(directives ast.DirectiveList) hint {
	d := directives.ForName("cacheControl")
	if d == nil {
		return hint{}
	}
	var h hint
	for _, a := range d.Arguments {
		switch {
		case a.Value == nil:
		case a.Name == "maxAge" && a.Value.Kind == ast.IntValue:
			h.maxAge, h.given = seconds(a.Value.Raw), true
		case a.Name == "inheritMaxAge" && a.Value.Kind == ast.BooleanValue:
			h.inherit = a.Value.Raw == "true"
		case a.Name == "scope" && a.Value.Kind == ast.EnumValue:
			h.private, h.scoped = a.Value.Raw == "PRIVATE", true
		}
	}
	if h.inherit {
		h.maxAge, h.given = 0, false
	}
	return h
}

// seconds reads an Int literal; what is less than nothing is nothing.
func seconds(raw string) int {
	n, err := strconv.ParseInt(raw, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

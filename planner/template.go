package planner

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/coerce"
)

// template is the format of a @cacheTag on a field: text with places for arguments, as in city-{$args.id}.
type template struct {
	parts []templatePart
}

// templatePart is text, and behind it, when path is not nil, an argument or what lies in it.
type templatePart struct {
	text string
	path []string
}

// parseTemplate reads a format. Places other than {$args.…} make it unusable here: the values are not known from a request.
func parseTemplate(format string) (template, bool) {
	var t template
	for {
		open := strings.Index(format, "{$")
		if open < 0 {
			t.parts = append(t.parts, templatePart{text: format})
			return t, true
		}
		end := strings.IndexByte(format[open:], '}')
		if end < 0 {
			return template{}, false
		}
		path := strings.Split(format[open+2:open+end], ".")
		if len(path) < 2 || path[0] != "args" {
			return template{}, false
		}
		t.parts = append(t.parts, templatePart{format[:open], path[1:]})
		format = format[open+end+1:]
	}
}

// known tells whether all places are arguments that are defined.
func (t *template) known(defs ast.ArgumentDefinitionList) bool {
	for _, p := range t.parts {
		if p.path != nil && defs.ForName(p.path[0]) == nil {
			return false
		}
	}
	return true
}

// maxTagBytes bounds a tag; an answer with a longer one is not kept.
const maxTagBytes = 256

// append appends the tag for one set of arguments to dst and tells whether there is one.
func (t *template) append(dst []byte, args coerce.Value) ([]byte, bool) {
	for i := range t.parts {
		dst = append(dst, t.parts[i].text...)
		if t.parts[i].path == nil {
			continue
		}
		at := args
		for _, name := range t.parts[i].path {
			at = at.Member(name)
		}
		var ok bool
		if dst, ok = at.AppendText(dst); !ok {
			return dst, false
		}
	}
	return dst, len(dst) > 0
}

package gql

import (
	"errors"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Error is one entry of the response's errors (specification 7.1.2).
type Error struct {
	Message string
	Code    string // goes to extensions.code
	Line    int    // 1-based; 0: no location
	Column  int
	Path    []any // string and int
}

func asGraphQL(err error) *gqlerror.Error {
	var g *gqlerror.Error
	if errors.As(err, &g) {
		return g
	}
	return gqlerror.Wrap(err)
}

func fromList(list gqlerror.List, code string) []Error {
	out := make([]Error, 0, len(list))
	for _, g := range list {
		e := Error{Message: g.Message, Code: code}
		if len(g.Locations) > 0 {
			e.Line, e.Column = g.Locations[0].Line, g.Locations[0].Column
		}
		out = append(out, e)
	}
	return out
}

// fieldError records an error at a field (specification 6.4.4).
func (x *execution) fieldError(f *ast.Field, p *path, err error) {
	e := Error{Message: err.Error(), Code: "INTERNAL_SERVER_ERROR", Path: p.list()}
	var coded interface{ Code() string }
	if errors.As(err, &coded) {
		e.Code = coded.Code()
	}
	if f.Position != nil {
		e.Line, e.Column = f.Position.Line, f.Position.Column
	}
	x.errors = append(x.errors, e)
}

// path is a linked list from the field to the root, so that no slice is copied while the tree is walked.
type path struct {
	parent *path
	name   string
	index  int // used when name is empty
}

func (p *path) list() []any {
	n := 0
	for q := p; q != nil; q = q.parent {
		n++
	}
	out := make([]any, n)
	for q := p; q != nil; q = q.parent {
		n--
		if q.name != "" {
			out[n] = q.name
		} else {
			out[n] = q.index
		}
	}
	return out
}

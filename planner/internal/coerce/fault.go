package coerce

import (
	"strconv"

	"github.com/weirproxy/weir/planner/internal/gqlerr"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

type faultKindCode uint8

const (
	faultMissing faultKindCode = iota
	faultNull
	faultKind
	faultUnknown
	faultTwice
	faultEnum
	faultFinite
	faultWhole
	faultRange
	faultOneOf
	faultLarge
)

type fault struct {
	code faultKindCode
	typ  string // the type that was expected
	at   string // "$input.list[2].name"
	root string // the variable
}

func (v *Values) fail(code faultKindCode, typ string) {
	if len(v.errs) < maxErrors {
		v.errs = append(v.errs, v.fault(code, typ, ""))
	}
}

func (v *Values) failName(code faultKindCode, typ string, name []byte) {
	if len(v.errs) >= maxErrors {
		return
	}
	if len(name) > 64 {
		name = name[:64]
	}
	v.errs = append(v.errs, v.fault(code, typ, string(name)))
}

func (v *Values) fault(code faultKindCode, typ, name string) fault {
	f := fault{code: code, typ: typ}
	if len(v.path) == 0 {
		f.at = "$" + name
		return f
	}
	f.root = v.path[0].name
	at := append([]byte{'$'}, f.root...)
	for _, s := range v.path[1:] {
		if s.name != "" {
			at = append(append(at, '.'), s.name...)
		} else {
			at = append(strconv.AppendInt(append(at, '['), int64(s.index), 10), ']')
		}
	}
	if name != "" {
		at = append(append(at, '.'), name...)
	}
	f.at = string(at)
	return f
}

// errors makes the errors for the client from the faults and leaves v empty. Values stay out of the messages: they may
// be secret.
func (p *Program) errors(v *Values) []gqlerr.Error {
	out := make([]gqlerr.Error, 0, len(v.errs))
	for i := range v.errs {
		f := &v.errs[i]
		e := gqlerr.Error{Message: f.message(), Code: gqlerr.CodeCoerce}
		if i, ok := p.index[f.root]; ok && p.lines[i] != nil {
			e.Locations = []gqlerr.Location{{Line: p.lines[i].Line, Column: p.lines[i].Column}}
		}
		out = append(out, e)
	}
	v.Reset()
	return out
}

func (f *fault) message() string {
	at := "Variable " + strconv.Quote(f.at)
	switch f.code {
	case faultMissing:
		return at + " of required type " + strconv.Quote(f.typ) + " was not provided."
	case faultNull:
		return at + " of non-null type " + strconv.Quote(f.typ+"!") + " must not be null."
	case faultUnknown:
		return at + " is not defined by type " + strconv.Quote(f.typ) + "."
	case faultTwice:
		return at + " is given more than once."
	case faultEnum:
		return at + " is not a value of enum " + strconv.Quote(f.typ) + "."
	case faultFinite:
		return at + " is too large for a Float."
	case faultWhole:
		return at + " must be a whole number to be of type " + strconv.Quote(f.typ) + "."
	case faultRange:
		return at + " does not fit into the 32 bits of an Int."
	case faultOneOf:
		return at + " must have exactly one field, not null: type " + strconv.Quote(f.typ) + " is @oneOf."
	case faultLarge:
		return at + " is too large once the defaults of its input objects are filled in."
	}
	return at + " has a value that is not of type " + strconv.Quote(f.typ) + "."
}

func refuseJSON(st jsonscan.Status, depth int) []gqlerr.Error {
	if st == jsonscan.TooDeep {
		return []gqlerr.Error{{Message: "Variables nest deeper than " + strconv.Itoa(depth) + " levels.", Code: gqlerr.CodeRequest}}
	}
	return []gqlerr.Error{{Message: "Variables are not valid JSON.", Code: gqlerr.CodeRequest}}
}

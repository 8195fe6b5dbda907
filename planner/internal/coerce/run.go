package coerce

import (
	"math"
	"strconv"

	"github.com/weirproxy/weir/planner/internal/gqlerr"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// Run coerces raw, the JSON object of variables (nil, blank or null: none), into v. It returns nil on success; then
// v.Canonical holds the values. It reports at most 20 problems. On success it does not allocate once v's buffers grew.
func (p *Program) Run(raw []byte, v *Values) []gqlerr.Error {
	v.Reset()
	v.raw, v.limit = raw, maxGrowth*len(raw)+freeGrowth
	for range p.vars {
		v.slots = append(v.slots, -1)
	}
	start := jsonscan.Space(raw, 0)
	if jsonscan.KindAt(raw, start) == jsonscan.Object {
		if st := v.read(start, p); st != jsonscan.OK {
			v.Reset()
			return refuseJSON(st, p.depth)
		}
	} else if start < len(raw) {
		if errs := refuseVariables(raw, p.depth); errs != nil {
			v.Reset()
			return errs
		}
	}
	v.Canonical, _, _ = v.placed(v.Canonical, p.vars, 0)
	if len(v.errs) > 0 {
		return p.errors(v)
	}
	v.scratch()
	return nil
}

// A few bytes of JSON can ask for many defaults of input objects, and for a look at each of very many fields. What goes
// beyond these is refused: values without defaults never need so much.
const (
	maxGrowth  = 8       // bytes of canonical form for each byte of JSON
	freeGrowth = 1 << 20 // and so many besides
	maxFields  = 1 << 24 // fields of input objects looked for
)

// tooLarge tells, and notes as a fault, that the values outgrow what their JSON can account for.
func (v *Values) tooLarge(dst []byte, fields int) bool {
	v.fields += fields
	if v.large || len(dst) <= v.limit && v.fields <= maxFields {
		return v.large
	}
	v.large = true
	if len(v.errs) < maxErrors {
		root := v.path[0].name
		v.errs = append(v.errs, fault{code: faultLarge, at: "$" + root, root: root})
	}
	return true
}

// refuseVariables says what is wrong with a text of variables that nobody has checked; nil: it is an object or null.
func refuseVariables(raw []byte, depth int) []gqlerr.Error {
	start, st := jsonscan.Document(raw, depth)
	if st != jsonscan.OK {
		return refuseJSON(st, depth)
	}
	switch jsonscan.KindAt(raw, start) {
	case jsonscan.Object, jsonscan.Null:
		return nil
	}
	return []gqlerr.Error{{Message: "Variables must be a JSON object.", Code: gqlerr.CodeRequest}}
}

// read checks the whole text, whose value is the object at raw[at], and notes where the variables' values are.
func (v *Values) read(at int, p *Program) jsonscan.Status {
	m := jsonscan.Check(v.raw, at, p.depth)
	for m.Next() {
		v.note(m.Key, m.Escaped, m.Value, 0, p.index, "")
	}
	if m.Status == jsonscan.OK && jsonscan.Space(v.raw, m.Behind) != len(v.raw) {
		return jsonscan.Syntax
	}
	return m.Status
}

// place finds the members of the object at raw[at] and notes their values' offsets in the slots from base on. A non-empty
// owner makes unknown members an error; members given twice are one always.
func (v *Values) place(at, base int, index map[string]int, owner string) {
	m := jsonscan.Open(v.raw, at)
	for m.Next() {
		v.note(m.Key, m.Escaped, m.Value, base, index, owner)
	}
}

func (v *Values) note(key []byte, escaped bool, value, base int, index map[string]int, owner string) {
	if escaped {
		v.text = jsonscan.AppendUnescaped(v.text[:0], key)
		key = v.text
	}
	i, known := index[string(key)]
	switch {
	case !known && owner != "":
		v.failName(faultUnknown, owner, key)
	case !known:
	case v.slots[base+i] >= 0:
		v.failName(faultTwice, owner, key)
	default:
		v.slots[base+i] = value
	}
}

// value coerces the JSON value at raw[at] for a place of type r and appends its canonical form. After a fault what it
// appends has no meaning.
func (v *Values) value(dst []byte, r ref, at int) []byte {
	kind := jsonscan.KindAt(v.raw, at)
	if kind == jsonscan.Null {
		if r.nonNull {
			v.fail(faultNull, r.t.name)
		}
		return append(dst, tagNull)
	}
	switch r.t.kind {
	case kindList:
		return v.list(dst, r.t, at, kind)
	case kindInput:
		return v.object(dst, r.t, at, kind)
	case kindOpaque:
		dst, mark := openText(dst, tagJSON)
		dst = v.appendJSON(dst, v.raw, at)
		closeText(dst, mark)
		return dst
	case kindInt, kindFloat, kindID:
		if kind == jsonscan.Number {
			return v.number(dst, r.t.kind, at)
		}
		if kind == jsonscan.String && r.t.kind == kindID {
			return v.stringValue(dst, tagID, at)
		}
	case kindString:
		if kind == jsonscan.String {
			return v.stringValue(dst, tagString, at)
		}
	case kindBoolean:
		if kind == jsonscan.Bool {
			return appendBool(dst, v.raw[at] == 't')
		}
	case kindEnum:
		if kind == jsonscan.String {
			dst = v.stringValue(dst, tagEnum, at)
			end, escaped, _ := jsonscan.SkipString(v.raw, at)
			name := v.raw[at+1 : end-1]
			if escaped {
				v.text = jsonscan.AppendUnescaped(v.text[:0], name)
				name = v.text
			}
			if _, known := r.t.values[string(name)]; !known {
				v.fail(faultEnum, r.t.name)
			}
			return dst
		}
	}
	v.fail(faultKind, r.t.name)
	return dst
}

func (v *Values) stringValue(dst []byte, tag byte, at int) []byte {
	end, escaped, _ := jsonscan.SkipString(v.raw, at)
	dst, mark := openText(dst, tag)
	if escaped {
		dst = jsonscan.AppendUnescaped(dst, v.raw[at+1:end-1])
	} else {
		dst = append(dst, v.raw[at+1:end-1]...)
	}
	closeText(dst, mark)
	return dst
}

func (v *Values) list(dst []byte, t *typ, at int, kind jsonscan.Kind) []byte {
	dst, mark := openGroup(dst, tagList)
	n := 1
	if kind == jsonscan.Array {
		n = 0
		v.path = append(v.path, step{})
		e := jsonscan.OpenArray(v.raw, at)
		for e.Next() && len(v.errs) < maxErrors && !v.large {
			v.path[len(v.path)-1].index = n
			dst = v.value(dst, t.elem, e.Value)
			n++
		}
		v.path = v.path[:len(v.path)-1]
	} else {
		dst = v.value(dst, t.elem, at)
	}
	closeGroup(dst, mark, n)
	return dst
}

func (v *Values) object(dst []byte, t *typ, at int, kind jsonscan.Kind) []byte {
	if kind != jsonscan.Object {
		v.fail(faultKind, t.name)
		return dst
	}
	if v.tooLarge(dst, len(t.fields)) {
		return dst
	}
	base := len(v.slots)
	for range t.fields {
		v.slots = append(v.slots, -1)
	}
	faults := len(v.errs)
	v.place(at, base, t.index, t.name)
	dst, n, null := v.placed(dst, t.fields, base)
	v.slots = v.slots[:base]
	if t.oneOf && len(v.errs) == faults && (n != 1 || null) {
		v.fail(faultOneOf, t.name)
	}
	return dst
}

// placed appends an object: the fields whose values lie where the slots from base on say, and defaults. It tells how many there are,
// and whether one that was given is null.
func (v *Values) placed(dst []byte, fields []field, base int) (out []byte, n int, null bool) {
	dst, mark := openGroup(dst, tagObject)
	v.path = append(v.path, step{})
	for i := range fields {
		f := &fields[i]
		v.path[len(v.path)-1].name = f.name
		switch at := v.slots[base+i]; {
		case at >= 0:
			null = null || v.raw[at] == 'n'
			dst = v.value(appendName(dst, f.name), f.typ, at)
		case f.def != nil:
			dst = append(appendName(dst, f.name), f.def...)
		case f.typ.nonNull:
			v.fail(faultMissing, f.printed)
			continue
		default:
			continue
		}
		n++
	}
	v.path = v.path[:len(v.path)-1]
	closeGroup(dst, mark, n)
	return dst, n, null
}

// number coerces a JSON number. Numbers mean what an IEEE 754 double makes of them, as in JavaScript; an ID written as
// plain digits keeps every one of them.
func (v *Values) number(dst []byte, k kind, at int) []byte {
	end, _ := jsonscan.SkipNumber(v.raw, at)
	text := v.raw[at:end]
	n, plain, small := smallInt(text)
	switch {
	case small && k == kindInt:
		return appendInt(dst, int32(n))
	case plain && k == kindID:
		if string(text) == "-0" {
			text = text[1:]
		}
		dst, mark := openText(dst, tagID)
		dst = append(dst, text...)
		closeText(dst, mark)
		return dst
	}
	x, err := strconv.ParseFloat(view(text), 64)
	switch {
	case k == kindFloat:
		if err != nil || math.IsInf(x, 0) {
			v.fail(faultFinite, "Float")
		}
		return appendFloat(dst, x)
	case err != nil || x != math.Trunc(x) || math.IsInf(x, 0):
		v.fail(faultWhole, kindName(k))
	case k == kindInt:
		if x < math.MinInt32 || x > math.MaxInt32 {
			v.fail(faultRange, "Int")
			return dst
		}
		return appendInt(dst, int32(x))
	case math.Abs(x) < 1e21:
		dst, mark := openText(dst, tagID)
		dst = strconv.AppendFloat(dst, x+0, 'f', -1, 64)
		closeText(dst, mark)
		return dst
	default:
		dst, mark := openText(dst, tagID)
		dst = strconv.AppendFloat(dst, x, 'e', -1, 64)
		closeText(dst, mark)
		return dst
	}
	return dst
}

func kindName(k kind) string {
	if k == kindInt {
		return "Int"
	}
	return "ID"
}

// smallInt reads plain digits. plain tells that b is such, ok that the number fits into 32 bits as well.
func smallInt(b []byte) (n int64, plain, ok bool) {
	i := 0
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		i = 1
	}
	if i >= len(b) {
		return 0, false, false
	}
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			return 0, false, false
		}
		if n <= math.MaxInt32+1 {
			n = n*10 + int64(c)
		}
	}
	if negative {
		n = -n
	}
	return n, true, n >= math.MinInt32 && n <= math.MaxInt32
}

package workload

import (
	"math"
	"strconv"
)

// generator makes the values of one variable. It is immutable; what was drawn is the stream's.
type generator struct {
	name string
	kind generatorKind
	pick picker

	start, step int64 // of integers: start + step·index

	min, span float64 // of floats
	digits    int

	columns []column // of a table

	json, inner, raw program // of a template, by form; inner is nil when it is no text
}

type generatorKind uint8

const (
	integers generatorKind = iota
	floats
	table
	template
	uuid
)

// column holds the values of a table in one piece.
type column struct {
	name  string
	data  []byte
	ends  []uint32
	plain bool   // no value needs escapes in a JSON string
	text  bool   // every value is text
	texts []bool // else, by value
}

func (c *column) add(value []byte, text bool) {
	if len(c.ends) == 0 {
		c.plain, c.text = true, text
	}
	if text != c.text && c.texts == nil {
		c.texts = make([]bool, len(c.ends))
		for i := range c.texts {
			c.texts[i] = c.text
		}
		c.text = false
	}
	if c.texts != nil {
		c.texts = append(c.texts, text)
	}
	c.plain = c.plain && plain(value)
	c.data = append(c.data, value...)
	c.ends = append(c.ends, uint32(len(c.data)))
}

func (c *column) value(i uint64) []byte {
	from := uint32(0)
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.data[from:c.ends[i]]
}

func (c *column) isText(i uint64) bool { return c.text || c.texts != nil && c.texts[i] }

// drawn is the value of a generator in one request: the same wherever the request uses it.
type drawn struct {
	request  uint64 // that it was drawn for
	turn     uint64
	index    uint64
	low      uint64 // second half of a UUID
	fraction float64
}

// How a value is written.
type form uint8

const (
	asJSON  form = iota // text with quotes
	asInner             // inside a JSON string
	asRaw               // as it is: headers
)

// program appends text with values in it.
type program []part

type part struct {
	text      []byte
	generator int32 // -1: none
	column    int32
	form      form
}

// static returns the text of a program without generators.
func (p program) static() ([]byte, bool) {
	switch {
	case len(p) == 0:
		return nil, true
	case len(p) == 1 && p[0].generator < 0:
		return p[0].text, true
	}
	return nil, false
}

// run appends a program.
func (s *stream) run(dst []byte, p program) []byte {
	for i := range p {
		dst = append(dst, p[i].text...)
		if g := p[i].generator; g >= 0 {
			dst = s.value(dst, g, p[i].column, p[i].form)
		}
	}
	return dst
}

// value appends the generator's value in the present request.
func (s *stream) value(dst []byte, index, col int32, f form) []byte {
	g, d := &s.w.generators[index], &s.drawn[index]
	if d.request != s.request {
		d.request = s.request
		s.draw(g, d)
	}
	switch g.kind {
	case integers:
		return strconv.AppendInt(dst, g.start+g.step*int64(d.index), 10)
	case floats:
		return strconv.AppendFloat(dst, d.fraction, 'f', g.digits, 64)
	case table:
		c := &g.columns[col]
		text := f == asJSON && c.isText(d.index)
		if text {
			dst = append(dst, '"')
		}
		if v := c.value(d.index); c.plain || f == asRaw || f == asJSON && !text {
			dst = append(dst, v...)
		} else {
			dst = appendEscaped(dst, v)
		}
		if text {
			dst = append(dst, '"')
		}
		return dst
	case template:
		switch f {
		case asRaw:
			return s.run(dst, g.raw)
		case asInner:
			return s.run(dst, g.inner)
		}
		return s.run(dst, g.json)
	}
	if f == asJSON {
		return append(appendUUID(append(dst, '"'), d.index, d.low), '"')
	}
	return appendUUID(dst, d.index, d.low)
}

func (s *stream) draw(g *generator, d *drawn) {
	switch g.kind {
	case floats:
		d.fraction = min(g.min+s.random.unit()*g.span, g.min+g.span)
	case uuid:
		d.index, d.low = s.random.Uint64()&^(0xf<<12)|4<<12, s.random.Uint64()&^(3<<62)|2<<62
	case integers, table:
		d.index = g.pick.pick(&s.random, &d.turn)
	}
}

const hexDigits = "0123456789abcdef"

func appendUUID(dst []byte, high, low uint64) []byte {
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			dst = append(dst, '-')
		}
		v := high
		if i >= 16 {
			v = low
		}
		dst = append(dst, hexDigits[v>>(60-4*(i%16))&15])
	}
	return dst
}

// plain reports whether text stands in a JSON string as it is.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendEscaped appends text as it stands inside a JSON string.
func appendEscaped(dst, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// quote returns text as a JSON string.
func quote(text string) []byte { return append(appendEscaped([]byte{'"'}, []byte(text)), '"') }

// appendQueryEscaped appends text as a value of a URL's query.
func appendQueryEscaped(dst, text []byte) []byte {
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return dst
}

// wholeRange is how many integers lie from low to high.
func wholeRange(low, high int64) (uint64, bool) {
	n := uint64(high) - uint64(low)
	return n + 1, low <= high && n < math.MaxUint64
}

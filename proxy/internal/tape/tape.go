package tape

import (
	"encoding/binary"
	"math/bits"
)

// MaxDepth bounds the nesting of arrays and objects.
const MaxDepth = 256

// Check tells whether b is one JSON value, with blanks around it at most, not nested deeper than MaxDepth.
func Check(b []byte) bool {
	i := Value(b, Blank(b, 0), 0)
	return i >= 0 && Blank(b, i) == len(b)
}

// Blank returns the index of the first byte from i on that is no blank.
func Blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// Value returns the end of the value at i, -1 when it is malformed or reaches below MaxDepth. depth is that of what lies around it.
func Value(b []byte, i, depth int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return String(b, i)
	case c == '{':
		return checkObject(b, i, depth+1)
	case c == '[':
		return checkArray(b, i, depth+1)
	case c == 't':
		return word(b, i, "true")
	case c == 'f':
		return word(b, i, "false")
	case c == 'n':
		return word(b, i, "null")
	case c == '-' || c >= '0' && c <= '9':
		return checkNumber(b, i)
	}
	return -1
}

func word(b []byte, i int, w string) int {
	if len(b)-i < len(w) || string(b[i:i+len(w)]) != w {
		return -1
	}
	return i + len(w)
}

func checkObject(b []byte, i, depth int) int {
	if depth > MaxDepth {
		return -1
	}
	if i = Blank(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return -1
		}
		if i = String(b, i); i < 0 {
			return -1
		}
		if i = Blank(b, i); i >= len(b) || b[i] != ':' {
			return -1
		}
		if i = Value(b, Blank(b, i+1), depth); i < 0 {
			return -1
		}
		if i = Blank(b, i); i >= len(b) {
			return -1
		}
		if b[i] == '}' {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		i = Blank(b, i+1)
	}
}

func checkArray(b []byte, i, depth int) int {
	if depth > MaxDepth {
		return -1
	}
	if i = Blank(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = Value(b, i, depth); i < 0 {
			return -1
		}
		if i = Blank(b, i); i >= len(b) {
			return -1
		}
		if b[i] == ']' {
			return i + 1
		}
		if b[i] != ',' {
			return -1
		}
		i = Blank(b, i+1)
	}
}

const (
	ones   = 0x0101010101010101
	twos   = ('"' ^ ' ') * ones
	below  = (' ' + 1) * ones
	slants = '\\' * ones
	tops   = 0x80 * ones
)

// String returns the end of the string that begins at i with its quote, -1 when it is malformed. It looks at eight bytes at once, of long ones at 32.
func String(b []byte, i int) int {
	i++
	for {
		for len(b)-i >= 32 {
			w := b[i : i+32 : i+32]
			if stops(binary.LittleEndian.Uint64(w))|stops(binary.LittleEndian.Uint64(w[8:]))|
				stops(binary.LittleEndian.Uint64(w[16:]))|stops(binary.LittleEndian.Uint64(w[24:])) != 0 {
				break
			}
			i += 32
		}
		for len(b)-i >= 8 {
			if found := stops(binary.LittleEndian.Uint64(b[i:])); found != 0 {
				i += bits.TrailingZeros64(found) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			i++
		}
		if i >= len(b) || b[i] < ' ' {
			return -1
		}
		if b[i] == '"' {
			return i + 1
		}
		if i = escape(b, i+1); i < 0 {
			return -1
		}
	}
}

// stops has a bit for each byte of x that ends or breaks a string, or begins an escape: exact up to the lowest one.
func stops(x uint64) uint64 {
	low, s := x^twos, x^slants // the quote, and it alone of the letters, goes down to where control characters are
	return ((low-below)&^low | (s-ones)&^s) & tops
}

// escape returns the end of what stands behind a backslash, -1 when it is malformed.
func escape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if len(b)-i < 5 || !isHex(b[i+1]) || !isHex(b[i+2]) || !isHex(b[i+3]) || !isHex(b[i+4]) {
			return -1
		}
		return i + 5
	}
	return -1
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func checkNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	default:
		if i = digits(b, i); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = digits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return digits(b, i)
	}
	return i
}

func digits(b []byte, i int) int {
	start := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// Skip returns the end of the value at i of a text that Check has passed.
func Skip(b []byte, i int) int {
	switch b[i] {
	case '"':
		return String(b, i)
	case '{', '[':
		for depth := 0; ; {
			switch b[i] {
			case '"':
				i = String(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return i
}

// Member returns the key (without quotes, escapes as they are) at i of an object, the index of its value, and whether there is one. i is the
// index behind the opening brace, or what Next returned.
func Member(b []byte, i int) (key []byte, value int, ok bool) {
	if i = Blank(b, i); b[i] != '"' {
		return nil, i, false
	}
	end := String(b, i)
	key = b[i+1 : end-1]
	return key, Blank(b, Blank(b, end)+1), true
}

// Element returns the index of the element at i of an array, and whether there is one.
func Element(b []byte, i int) (value int, ok bool) {
	i = Blank(b, i)
	return i, b[i] != ']'
}

// Next returns where the member or element behind a value that ends at i begins, or the closing bracket.
func Next(b []byte, i int) int {
	if i = Blank(b, i); b[i] == ',' {
		return Blank(b, i+1)
	}
	return i
}

// Get returns the value of the first member of that name of the object at i; ok is false when it has none, or is no object.
func Get(b []byte, i int, name string) (value int, ok bool) {
	if b[i] != '{' {
		return 0, false
	}
	at := i + 1
	for {
		key, value, ok := Member(b, at)
		if !ok {
			return 0, false
		}
		if string(key) == name {
			return value, true
		}
		at = Next(b, Skip(b, value))
	}
}

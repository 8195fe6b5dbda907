package jsonscan

// Status tells how a scan ended.
type Status uint8

const (
	// OK: a complete value.
	OK Status = iota
	// Syntax: the text is not JSON; the returned position is where that showed.
	Syntax
	// TooDeep: arrays and objects are nested deeper than allowed.
	TooDeep
)

// Kind is the type of a JSON value, told by its first byte.
type Kind uint8

// The kinds of JSON value. None stands for "no value starts here".
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// KindAt tells the kind of the value that starts at b[i].
func KindAt(b []byte, i int) Kind {
	if uint(i) >= uint(len(b)) {
		return None
	}
	switch c := b[i]; c {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	default:
		if c == '-' || c-'0' < 10 {
			return Number
		}
	}
	return None
}

// Space returns the first position at or after i that is not JSON white space.
func Space(b []byte, i int) int {
	for i < len(b) {
		if c := b[i]; c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
			return i
		}
		i++
	}
	return i
}

// Document checks that b is one JSON value between optional white space, nested at most depth levels. On OK it returns
// where the value starts; else where the error showed.
func Document(b []byte, depth int) (int, Status) {
	start := Space(b, 0)
	end, st := Skip(b, start, depth)
	if st != OK {
		return end, st
	}
	if end = Space(b, end); end != len(b) {
		return end, Syntax
	}
	return start, OK
}

// Valid tells whether b is one JSON value nested at most depth levels.
func Valid(b []byte, depth int) bool {
	_, st := Document(b, depth)
	return st == OK
}

// Skip checks the value that starts exactly at b[i] and returns the position behind it. Arrays and objects may nest depth
// levels; a scalar needs none.
func Skip(b []byte, i, depth int) (int, Status) {
	if i >= len(b) {
		return i, Syntax
	}
	switch b[i] {
	case '"':
		end, _, ok := SkipString(b, i)
		return end, status(ok)
	case '{':
		return skipObject(b, i, depth)
	case '[':
		return skipArray(b, i, depth)
	case 't':
		return literal(b, i, "true")
	case 'f':
		return literal(b, i, "false")
	case 'n':
		return literal(b, i, "null")
	}
	end, ok := SkipNumber(b, i)
	return end, status(ok)
}

func status(ok bool) Status {
	if ok {
		return OK
	}
	return Syntax
}

func literal(b []byte, i int, want string) (int, Status) {
	if len(b)-i < len(want) || string(b[i:i+len(want)]) != want {
		return i, Syntax
	}
	return i + len(want), OK
}

func skipArray(b []byte, i, depth int) (int, Status) {
	if depth <= 0 {
		return i, TooDeep
	}
	i = Space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, OK
	}
	for {
		var st Status
		if i, st = Skip(b, i, depth-1); st != OK {
			return i, st
		}
		if i, st = separated(b, Space(b, i), ']'); st != more {
			return i, st
		}
	}
}

// more is what separated says of a comma.
const more Status = 255

// separated reads what stands at b[i] behind an element or a member: a comma and the space behind it, or the closing bracket.
func separated(b []byte, i int, closing byte) (int, Status) {
	switch {
	case i >= len(b):
	case b[i] == ',':
		return Space(b, i+1), more
	case b[i] == closing:
		return i + 1, OK
	}
	return i, Syntax
}

func skipObject(b []byte, i, depth int) (int, Status) {
	if depth <= 0 {
		return i, TooDeep
	}
	i = Space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, OK
	}
	for {
		var ok bool
		if i, _, ok = SkipString(b, i); !ok {
			return i, Syntax
		}
		if i = Space(b, i); i >= len(b) || b[i] != ':' {
			return i, Syntax
		}
		var st Status
		if i, st = Skip(b, Space(b, i+1), depth-1); st != OK {
			return i, st
		}
		if i, st = separated(b, Space(b, i), '}'); st != more {
			return i, st
		}
	}
}

// SkipNumber checks the number that starts at b[i] and returns the position behind it.
func SkipNumber(b []byte, i int) (int, bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i >= len(b) {
		return i, false
	}
	switch c := b[i]; {
	case c == '0':
		i++
	case c-'1' < 9:
		i = digits(b, i)
	default:
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		start := i + 1
		if i = digits(b, start); i == start {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start := i
		if i = digits(b, start); i == start {
			return i, false
		}
	}
	return i, true
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}

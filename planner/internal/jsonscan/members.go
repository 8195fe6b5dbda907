package jsonscan

// Members walks the members of an object in a text that was validated before (by Document or Skip). Use:
//
//	m := jsonscan.Open(b, i)
//	for m.Next() {
//		use(m.Key, m.Escaped, m.Value)
//	}
//
// The caller may tell where a value ended by setting End, which spares a second scan; else Next skips it.
type Members struct {
	b []byte
	i int
	// Key is what stands between the quotes of the member's name; Escaped says that it holds escapes.
	Key     []byte
	Escaped bool
	// Value is the position where the member's value starts.
	Value int
	// End is the position behind the value when known, 0 when not.
	End int
}

// Open starts to walk the object that starts at b[i].
func Open(b []byte, i int) Members { return Members{b: b, i: i + 1} }

// Next steps to the next member.
func (m *Members) Next() bool {
	if m.Value != 0 {
		if m.End == 0 {
			m.End, _ = Skip(m.b, m.Value, len(m.b))
		}
		m.i = m.End
	}
	i := Space(m.b, m.i)
	if i < len(m.b) && m.b[i] == ',' {
		i = Space(m.b, i+1)
	}
	end, escaped, ok := SkipString(m.b, i)
	if !ok {
		return false
	}
	m.Key, m.Escaped = m.b[i+1:end-1], escaped
	m.Value, m.End = Space(m.b, Space(m.b, end)+1), 0
	return m.Value < len(m.b)
}

// Behind returns the position behind the object once Next returned false.
func (m *Members) Behind() int { return behind(m.b, m.i) }

// behind returns the position behind the closing bracket that follows b[i:] after white space.
func behind(b []byte, i int) int { return min(Space(b, i)+1, len(b)) }

// Elements walks the elements of an array in a text that was validated before, like Members.
type Elements struct {
	b []byte
	i int
	// Value is the position where the element starts, End the one behind it when known, else 0.
	Value, End int
}

// OpenArray starts to walk the array that starts at b[i].
func OpenArray(b []byte, i int) Elements { return Elements{b: b, i: i + 1} }

// Next steps to the next element.
func (e *Elements) Next() bool {
	if e.Value != 0 {
		if e.End == 0 {
			e.End, _ = Skip(e.b, e.Value, len(e.b))
		}
		e.i = e.End
	}
	i := Space(e.b, e.i)
	if i < len(e.b) && e.b[i] == ',' {
		i = Space(e.b, i+1)
	}
	if i >= len(e.b) || e.b[i] == ']' {
		return false
	}
	e.Value, e.End = i, 0
	return true
}

// Behind returns the position behind the array once Next returned false.
func (e *Elements) Behind() int { return behind(e.b, e.i) }

// Checked walks the members of an object like Members and checks the text on its way, so that one pass does for both. Once Next returned
// false, Status and Behind tell whether the object was one and where it ends. Members that Next returned before an error are worth nothing.
type Checked struct {
	b     []byte
	i     int
	depth int
	// Key is what stands between the quotes of the member's name; Escaped says that it holds escapes.
	Key     []byte
	Escaped bool
	// Value and End are where the member's value starts and the position behind it.
	Value, End int
	// Status is OK as long as no error showed; Behind is the position behind the object, or that of the error.
	Status Status
	Behind int
}

// Check starts to walk the object that starts at b[i], whose values may nest depth levels, it among them.
func Check(b []byte, i, depth int) Checked { return Checked{b: b, i: i, depth: depth} }

// Next steps to the next member.
func (m *Checked) Next() bool {
	switch {
	case m.Behind != 0:
		return false
	case m.End == 0:
		if m.depth <= 0 {
			return m.stop(m.i, TooDeep)
		}
		if m.i = Space(m.b, m.i+1); m.i < len(m.b) && m.b[m.i] == '}' {
			return m.stop(m.i+1, OK)
		}
	default:
		i, st := separated(m.b, Space(m.b, m.End), '}')
		if st != more {
			return m.stop(i, st)
		}
		m.i = i
	}
	end, escaped, ok := SkipString(m.b, m.i)
	if !ok {
		return m.stop(end, Syntax)
	}
	m.Key, m.Escaped = m.b[m.i+1:end-1], escaped
	if end = Space(m.b, end); end >= len(m.b) || m.b[end] != ':' {
		return m.stop(end, Syntax)
	}
	m.Value = Space(m.b, end+1)
	end, st := Skip(m.b, m.Value, m.depth-1)
	if st != OK {
		return m.stop(end, st)
	}
	m.End = end
	return true
}

func (m *Checked) stop(i int, st Status) bool {
	m.Behind, m.Status = i, st
	return false
}

package taglist

// List is a list of tags. The zero value is empty and ready; reuse it to spare allocations.
type List struct {
	text []byte
	ends []int
}

// Reset empties the list and keeps its buffers.
func (l *List) Reset() { l.text, l.ends = l.text[:0], l.ends[:0] }

// Len returns how many tags the list holds.
func (l *List) Len() int { return len(l.ends) }

// At returns tag i; the bytes belong to the list.
func (l *List) At(i int) []byte {
	start := 0
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.text[start:l.ends[i]:l.ends[i]]
}

// Append adds a copy of b.
func (l *List) Append(b []byte) {
	l.text = append(l.text, b...)
	l.ends = append(l.ends, len(l.text))
}

// AppendString adds a copy of s.
func (l *List) AppendString(s string) {
	l.text = append(l.text, s...)
	l.ends = append(l.ends, len(l.text))
}

package entry

import "strconv"

// Position is a point of the invalidation log: a Redis stream id. Positions of one generation of the log are totally
// ordered; positions of different generations must not be compared.
type Position struct{ MS, Seq uint64 }

// Less reports whether p lies before q.
func (p Position) Less(q Position) bool {
	return p.MS < q.MS || p.MS == q.MS && p.Seq < q.Seq
}

// IsZero reports whether p is the position before everything.
func (p Position) IsZero() bool { return p.MS == 0 && p.Seq == 0 }

// Next returns the smallest position after p.
func (p Position) Next() Position {
	if p.Seq == ^uint64(0) {
		return Position{MS: p.MS + 1}
	}
	return Position{MS: p.MS, Seq: p.Seq + 1}
}

// Max returns the later of two positions.
func Max(p, q Position) Position {
	if p.Less(q) {
		return q
	}
	return p
}

// String returns the stream id, such as 1700000000000-3.
func (p Position) String() string {
	return strconv.FormatUint(p.MS, 10) + "-" + strconv.FormatUint(p.Seq, 10)
}

// ParsePosition reads a stream id; ok is false when s is none.
func ParsePosition(s string) (p Position, ok bool) {
	for i := range len(s) {
		if s[i] != '-' {
			continue
		}
		ms, err1 := strconv.ParseUint(s[:i], 10, 64)
		seq, err2 := strconv.ParseUint(s[i+1:], 10, 64)
		return Position{MS: ms, Seq: seq}, err1 == nil && err2 == nil
	}
	return Position{}, false
}

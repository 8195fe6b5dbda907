package shape

import "github.com/weirproxy/weir/planner/internal/jsonscan"

// members steps through an object that was not validated before. After next told a member, the caller moves at behind the
// value (skip does) and calls next again; when next ends, ok tells whether the object was well-formed, and then at is
// behind it.
type members struct {
	b       []byte
	at      int
	key     []byte
	escaped bool
	begun   bool
	ok      bool
}

func opened(b []byte, i int) members { return members{b: b, at: i + 1} }

func (m *members) next() bool {
	i := jsonscan.Space(m.b, m.at)
	m.at = i
	if i >= len(m.b) {
		return false
	}
	if m.b[i] == '}' {
		m.at, m.ok = i+1, true
		return false
	}
	if m.begun {
		if m.b[i] != ',' {
			return false
		}
		i = jsonscan.Space(m.b, i+1)
	}
	m.begun = true
	end, escaped, ok := jsonscan.SkipString(m.b, i)
	if !ok {
		return false
	}
	m.key, m.escaped = m.b[i+1:end-1], escaped
	if i = jsonscan.Space(m.b, end); i >= len(m.b) || m.b[i] != ':' {
		return false
	}
	m.at = jsonscan.Space(m.b, i+1)
	return true
}

// skip moves behind the member's value.
func (m *members) skip(depth int) bool {
	end, st := jsonscan.Skip(m.b, m.at, depth)
	m.at = end
	return st == jsonscan.OK
}

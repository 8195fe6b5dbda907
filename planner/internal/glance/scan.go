package glance

import "strings"

// scanner steps through tokens; text[start:end] is the token at hand.
type scanner struct {
	text       string
	start, end int
	comment    func(start, end int)
	// open: an operation's head or body is being read; named: its keyword was the last token.
	open, named bool
}

func (s *scanner) token() string { return s.text[s.start:s.end] }

func nameStart(c byte) bool { return c|0x20-'a' <= 'z'-'a' || c == '_' }

func nameByte(c byte) bool { return nameStart(c) || c-'0' <= 9 }

// next moves to the next token and tells whether there is one. Names and numbers are runs of letters, digits and underscores; every
// other byte is a token of its own.
func (s *scanner) next() bool {
	i := s.end
	for i < len(s.text) {
		c := s.text[i]
		switch {
		case c == '#':
			start := i
			for i < len(s.text) && s.text[i] != '\n' && s.text[i] != '\r' {
				i++
			}
			if s.comment != nil {
				s.comment(start, i)
			}
			continue
		case c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ',':
			i++
			continue
		case c == '"':
			s.start, s.end = i, quoted(s.text, i)
			return true
		case nameByte(c):
			s.start = i
			for i < len(s.text) && nameByte(s.text[i]) {
				i++
			}
			s.end = i
			return true
		}
		s.start, s.end = i, i+1
		return true
	}
	s.end = len(s.text)
	return false
}

// quoted returns where the string or block string at text[i] ends.
func quoted(text string, i int) int {
	if strings.HasPrefix(text[i:], `"""`) {
		for i += 3; i < len(text); i++ {
			switch {
			case strings.HasPrefix(text[i:], `\"""`):
				i += 3
			case strings.HasPrefix(text[i:], `"""`):
				return i + 3
			}
		}
		return len(text)
	}
	for i++; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\n', '\r':
			return i
		case '\\':
			i++
		}
	}
	return len(text)
}

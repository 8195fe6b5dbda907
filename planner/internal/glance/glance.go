package glance

import "strings"

// Operation is an operation as its definition begins.
type Operation struct {
	Keyword string // query, mutation or subscription
	Name    string // "" when anonymous
}

// MaxOperations bounds what Operations returns.
const MaxOperations = 1000

// Operations lists the operations that a document defines, without parsing it.
func Operations(document string) []Operation {
	var out []Operation
	nesting := 0
	fragment := false // between the head of a definition that is no operation and the end of its braces
	s := scanner{text: document}
	for s.next() && len(out) < MaxOperations {
		token := s.token()
		switch token[0] {
		case '{', '(', '[':
			if token == "{" && nesting == 0 && !fragment && !s.open {
				out = append(out, Operation{Keyword: "query"})
			}
			nesting++
		case '}', ')', ']':
			if nesting--; nesting == 0 && token == "}" {
				fragment, s.open = false, false
			}
		default:
			if nesting > 0 {
				break
			}
			switch {
			case s.named:
				s.named = false
				if nameStart(token[0]) {
					out[len(out)-1].Name = token
				}
			case s.open || fragment:
			case token == "query" || token == "mutation" || token == "subscription":
				out = append(out, Operation{Keyword: token})
				s.open, s.named = true, true
			case nameStart(token[0]):
				fragment = true
			}
			continue
		}
		s.named = false
	}
	return out
}

// WithoutComments returns the document with every comment turned into blanks, so that all positions stay.
func WithoutComments(document string) string {
	if strings.IndexByte(document, '#') < 0 {
		return document
	}
	var b []byte
	s := scanner{text: document}
	s.comment = func(start, end int) {
		if b == nil {
			b = []byte(document)
		}
		for i := start; i < end; i++ {
			b[i] = ' '
		}
	}
	for s.next() {
	}
	if b == nil {
		return document
	}
	return string(b)
}

// LoneSurrogate returns the offset of the first \u escape in a string that stands for half a character, -1 when there is none.
// Parsers disagree on what such a string holds.
func LoneSurrogate(document string) int {
	if !strings.Contains(document, `\u`) {
		return -1
	}
	s := scanner{text: document}
	for s.next() {
		token := s.token()
		if token[0] != '"' || strings.HasPrefix(token, `"""`) {
			continue
		}
		if i := loneSurrogate(token); i >= 0 {
			return s.start + i
		}
	}
	return -1
}

func loneSurrogate(token string) int {
	for i := 0; i < len(token); i++ {
		if token[i] != '\\' {
			continue
		}
		at := i
		i++
		if i >= len(token) || token[i] != 'u' {
			continue
		}
		code, size := escape(token[i+1:])
		i += size
		switch code >> 10 {
		case 0xDC00 >> 10:
			return at
		case 0xD800 >> 10:
			if size != 4 || !strings.HasPrefix(token[i+1:], `\u`) {
				return at
			}
			low, n := escape(token[i+3:])
			if n != 4 || low>>10 != 0xDC00>>10 {
				return at
			}
			i += 6
		}
	}
	return -1
}

// escape reads what follows \u: four digits, or digits in braces.
func escape(s string) (code uint32, size int) {
	if strings.HasPrefix(s, "{") {
		for i := 1; i < len(s); i++ {
			d, ok := hexDigit(s[i])
			if !ok || code > 0x10FFFF {
				return code, i
			}
			code = code<<4 | d
		}
		return code, len(s)
	}
	for size < 4 && size < len(s) {
		d, ok := hexDigit(s[size])
		if !ok {
			break
		}
		code = code<<4 | d
		size++
	}
	return code, size
}

func hexDigit(c byte) (uint32, bool) {
	switch {
	case c-'0' <= 9:
		return uint32(c - '0'), true
	case c|0x20-'a' <= 5:
		return uint32(c|0x20-'a') + 10, true
	}
	return 0, false
}

package measure

import "bytes"

// Tokens counts the lexical tokens of a document as section 2.1 of the GraphQL specification (September 2025) defines
// them: punctuators, names, numbers and strings. White space, commas, comments and byte order marks are none. It stops once
// it found more than limit and then returns limit+1. A byte that no token starts with counts as one: what is not GraphQL is
// the parser's to refuse, and it must not be cheaper to send. It does not allocate.
func Tokens(document []byte, limit int) int {
	n := 0
	for i := 0; ; {
		if i = skip(document, i); i >= len(document) {
			return n
		}
		i = token(document, i)
		if n++; n > limit {
			return n
		}
	}
}

// skip returns where the next token begins at or behind b[i].
func skip(b []byte, i int) int {
	for i < len(b) {
		switch c := b[i]; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',':
			i++
		case c == '#':
			i = comment(b, i)
		case c == 0xEF && i+2 < len(b) && b[i+1] == 0xBB && b[i+2] == 0xBF:
			i += 3
		default:
			return i
		}
	}
	return i
}

// token returns where the token that begins at b[i] ends.
func token(b []byte, i int) int {
	switch c := b[i]; {
	case nameStart(c):
		return name(b, i+1)
	case digit(c) || c == '-':
		return number(b, i+1)
	case c == '"':
		return text(b, i)
	case c == '.' && i+2 < len(b) && b[i+1] == '.' && b[i+2] == '.':
		return i + 3
	}
	return i + 1
}

func digit(c byte) bool { return c-'0' <= 9 }

func nameStart(c byte) bool { return c|0x20-'a' <= 'z'-'a' || c == '_' }

// comment returns where the line of the comment at b[i] ends.
func comment(b []byte, i int) int {
	for i < len(b) && b[i] != '\n' && b[i] != '\r' {
		i++
	}
	return i
}

func name(b []byte, i int) int {
	for i < len(b) && (nameStart(b[i]) || digit(b[i])) {
		i++
	}
	return i
}

func digits(b []byte, i int) int {
	for i < len(b) && digit(b[i]) {
		i++
	}
	return i
}

// number returns the position behind a number whose first byte stands before b[i].
func number(b []byte, i int) int {
	i = digits(b, i)
	if i+1 < len(b) && b[i] == '.' && digit(b[i+1]) {
		i = digits(b, i+1)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		j := i + 1
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		if j < len(b) && digit(b[j]) {
			return digits(b, j)
		}
	}
	return i
}

// text returns the position behind the string or block string at b[i]. A string that is not closed ends with its line, a
// block string with the document.
func text(b []byte, i int) int {
	if bytes.HasPrefix(b[i:], []byte(`"""`)) {
		return block(b, i+3)
	}
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\n', '\r':
			return i
		case '\\':
			if i+1 < len(b) && b[i+1] != '\n' && b[i+1] != '\r' {
				i++
			}
		}
	}
	return len(b)
}

// block returns the position behind the block string whose content begins at b[i]; \""" does not end it.
func block(b []byte, i int) int {
	for start := i; ; {
		n := bytes.Index(b[i:], []byte(`"""`))
		if n < 0 {
			return len(b)
		}
		if i += n; i == start || b[i-1] != '\\' {
			return i + 3
		}
		i += 3
		start = i
	}
}

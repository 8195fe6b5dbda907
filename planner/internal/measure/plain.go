package measure

import "strings"

// Plain returns the document spelled such that the lexer of gqlparser (v2.5.64) reads the block strings the specification
// (section 2.9.4) says it holds; mostly that is the document itself. Two things differ there:
//
//   - a block string ends at the first three quotes, and a quote behind them begins another string; that lexer takes the last
//     three of a run of quotes. So a document can be made that it reads otherwise than a server: selections hide in what only
//     one of them takes for a string. Plain puts a space between.
//   - the first line does not count for the indentation common to all lines; that lexer counts it. So two documents with
//     different values would look alike. Plain takes the indentation off where the first line would have kept it.
//
// Line numbers stay; columns behind a changed place on its line do not.
func Plain(document string) string {
	if !strings.Contains(document, `"""`) {
		return document
	}
	b := []byte(document)
	var out []byte
	done := 0 // b[:done] is in out
	for i := 0; ; {
		if i = skip(b, i); i >= len(b) {
			break
		}
		start := i
		i = token(b, i)
		if i-start < 6 || string(b[start:start+3]) != `"""` || string(b[i-3:i]) != `"""` {
			continue
		}
		if indent := extraIndent(document[start+3 : i-3]); indent > 0 {
			out = append(out, b[done:start+3]...)
			out = appendDedented(out, document[start+3:i-3], indent)
			done = i - 3
		}
		if i < len(b) && b[i] == '"' {
			out = append(append(out, b[done:i]...), ' ')
			done = i
		}
	}
	if done == 0 {
		return document
	}
	return string(append(out, b[done:]...))
}

// cutLine splits off the first line; end is its line terminator.
func cutLine(text string) (line, end, rest string) {
	i := strings.IndexAny(text, "\r\n")
	if i < 0 {
		return text, "", ""
	}
	n := i + 1
	if strings.HasPrefix(text[i:], "\r\n") {
		n++
	}
	return text[:i], text[i:n], text[n:]
}

// indentation is the length of the white space a line begins with; blank tells that it has nothing else.
func indentation(line string) (n int, blank bool) {
	for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		n++
	}
	return n, n == len(line)
}

// extraIndent returns the indentation that all lines of a block string but the first have in common, when the first has
// text and less indentation; else 0.
func extraIndent(text string) int {
	line, end, rest := cutLine(text)
	first, blank := indentation(line)
	if blank || end == "" {
		return 0
	}
	common := -1
	for end != "" {
		line, end, rest = cutLine(rest)
		if n, blank := indentation(line); !blank && (common < 0 || n < common) {
			common = n
		}
	}
	if common <= first {
		return 0
	}
	return common
}

// appendDedented appends the text with so much indentation taken off all lines but the first.
func appendDedented(dst []byte, text string, indent int) []byte {
	line, end, rest := cutLine(text)
	dst = append(append(dst, line...), end...)
	for end != "" {
		line, end, rest = cutLine(rest)
		dst = append(append(dst, line[min(indent, len(line)):]...), end...)
	}
	return dst
}

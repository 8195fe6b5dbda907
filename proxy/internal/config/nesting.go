package config

import "bytes"

// maxNesting bounds how deep a document nests: the parser follows nesting by recursion, without a bound of its own, and a document of 200 KB
// of brackets would end the process. No key needs more than six.
const maxNesting = 32

// tooDeep returns the line at which brackets, or the marks before the first word of a line, nest too deep; 0 for none.
func tooDeep(text []byte) int {
	open, number := 0, 0
	for line := range bytes.Lines(text) {
		number++
		marks := line[:len(line)-len(bytes.TrimLeft(line, " \t-?:!&*"))]
		if len(marks) > 8*maxNesting || len(marks)-bytes.Count(marks, []byte(" "))-bytes.Count(marks, []byte("\t")) > maxNesting {
			return number
		}
		for _, c := range line {
			switch c {
			case '{', '[':
				if open++; open > maxNesting {
					return number
				}
			case '}', ']':
				open = max(0, open-1)
			}
		}
	}
	return 0
}

package workload

import "bytes"

// Kinds of failure that Judge names; a failed check is "check: " and its name.
const (
	FailStatus = "status"         // another status than 200, or than those the checks accept
	FailErrors = "graphql errors" // a top-level "errors" that is not empty
	FailJSON   = "json"           // no JSON object, or for a batch no JSON array
	FailData   = "no data"        // neither data nor errors
	FailBatch  = "batch size"     // another number of answers than of requests
)

// Scan says what a body is worth as the answer to one GraphQL request, or to a batch of so many when batch is above 0: "" or a kind of failure. It does not
// allocate. What it can tell by searching, which runs at many bytes per cycle, it does not read byte by byte: where the text `"errors"` stands nowhere, the
// braces pair and the first member is data, there is nothing to find. Everything else is walked.
func Scan(body []byte, batch int) string {
	body = trim(body)
	if batch > 0 {
		if bytes.HasPrefix(body, []byte(`[{"data":`)) && bytes.Count(body, []byte(`{"data":`)) == batch && pairs(body, ']') {
			return ""
		}
		return walkBatch(body, batch)
	}
	if bytes.HasPrefix(body, []byte(`{"data":`)) && pairs(body, '}') {
		return ""
	}
	end, failure := walk(body, 0)
	if failure != FailJSON && end != len(body) {
		return FailJSON
	}
	return failure
}

func trim(b []byte) []byte {
	for len(b) > 0 && space(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && space(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// pairs reports whether a body ends as it should, has as many opening as closing braces, and nowhere the text "errors".
func pairs(body []byte, last byte) bool {
	return body[len(body)-1] == last && bytes.Count(body, []byte{'{'}) == bytes.Count(body, []byte{'}'}) && !bytes.Contains(body, []byte(`"errors"`))
}

func walkBatch(b []byte, batch int) string {
	if len(b) == 0 || b[0] != '[' {
		if _, failure := walk(b, 0); failure == FailErrors { // a server that refuses batches answers with one object
			return FailErrors
		}
		return FailJSON
	}
	first, n := "", 0
	for i := skipSpace(b, 1); ; {
		if i < len(b) && b[i] == ']' && n == 0 {
			break
		}
		end, failure := walk(b, i)
		if failure == FailJSON {
			return FailJSON
		}
		if n++; first == "" {
			first = failure
		}
		if i = skipSpace(b, end); i >= len(b) || b[i] != ',' && b[i] != ']' {
			return FailJSON
		}
		if b[i] == ']' {
			break
		}
		i = skipSpace(b, i+1)
	}
	if first == "" && n != batch {
		return FailBatch
	}
	return first
}

// walk reads the top level of the object at i and returns the index behind it.
func walk(b []byte, i int) (end int, failure string) {
	data, errors := false, false
	end, ok := members(b, i, func(key []byte, from, to int) bool {
		switch string(key) {
		case "data":
			data = true
		case "errors":
			errors = !empty(b[from:to])
		}
		return true
	})
	switch {
	case !ok:
		return end, FailJSON
	case errors:
		return end, FailErrors
	case !data:
		return end, FailData
	}
	return end, ""
}

// empty reports whether a value says that there is nothing: null, [] or {}.
func empty(v []byte) bool {
	if string(v) == "null" {
		return true
	}
	return len(v) >= 2 && (v[0] == '[' || v[0] == '{') && len(trim(v[1:len(v)-1])) == 0
}

// members hands every member of the object at i to f until f returns false; it returns the index behind the object, or behind the last value seen.
func members(b []byte, i int, f func(key []byte, from, to int) bool) (end int, ok bool) {
	if i >= len(b) || b[i] != '{' {
		return i, false
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1, true
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return i, false
		}
		keyEnd := skipString(b, i)
		if keyEnd < 0 {
			return i, false
		}
		key := b[i+1 : keyEnd-1]
		if i = skipSpace(b, keyEnd); i >= len(b) || b[i] != ':' {
			return i, false
		}
		from := skipSpace(b, i+1)
		to := skipValue(b, from)
		if to < 0 {
			return from, false
		}
		if !f(key, from, to) {
			return to, true
		}
		if i = skipSpace(b, to); i >= len(b) || b[i] != ',' && b[i] != '}' {
			return i, false
		}
		if b[i] == '}' {
			return i + 1, true
		}
		i = skipSpace(b, i+1)
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && space(b[i]) {
		i++
	}
	return i
}

// skipString returns the index behind the string at i, -1 when it does not end.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		if b[i] == '"' {
			return i + 1
		}
		if b[i] == '\\' {
			i++
		}
	}
	return -1
}

// skipValue returns the index behind the value at i, -1 when there is none or it does not end. Brackets are counted, not matched by kind: the whole grammar
// is for the check that asks for it.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return skipString(b, i)
	case c == '{' || c == '[':
		return skipNested(b, i)
	case c == '-' || '0' <= c && c <= '9':
		for i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i] == '-' || b[i] == '+' || b[i] == '.' || b[i] == 'e' || b[i] == 'E') {
			i++
		}
		return i
	}
	for _, word := range []string{"null", "true", "false"} {
		if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
			return i + len(word)
		}
	}
	return -1
}

// nests holds by how much a byte changes the depth; a quote has a value of its own.
var nests = [256]int8{'{': 1, '[': 1, '}': -1, ']': -1, '"': quoted}

const quoted = 2

func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch n := nests[b[i]]; n {
		case 0:
		case quoted:
			if i = skipString(b, i); i < 0 {
				return -1
			}
			continue
		default:
			if depth += int(n); depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

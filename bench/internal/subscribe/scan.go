package subscribe

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// The functions of this file read JSON that is known to be valid, without decoding what nobody asks for.

// member returns the value of a key of an object, the first when there are several, or the value at an index of a list; nil when there is none.
func member(raw []byte, key string) []byte {
	i := space(raw, 0)
	if i >= len(raw) || raw[i] != '{' && raw[i] != '[' {
		return nil
	}
	object, index := raw[i] == '{', 0
	for i = space(raw, i+1); i < len(raw) && raw[i] != '}' && raw[i] != ']'; index++ {
		wanted := !object && strconv.Itoa(index) == key
		if object {
			end := value(raw, i)
			wanted = same(raw[i:end], key)
			i = space(raw, min(space(raw, end)+1, len(raw))) // over the colon
		}
		end := value(raw, i)
		if wanted {
			return raw[i:end]
		}
		if i = space(raw, end); i < len(raw) && raw[i] == ',' {
			i = space(raw, i+1)
		}
	}
	return nil
}

// lookup follows a path.
func lookup(raw []byte, path []string) []byte {
	for _, key := range path {
		if raw = member(raw, key); raw == nil {
			return nil
		}
	}
	return raw
}

// splitPath reads data.ticks.0.sentAt, also written $.data.ticks[0].sentAt.
func splitPath(path string) []string {
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	if path = strings.TrimPrefix(strings.TrimPrefix(path, "$"), "."); path == "" {
		return nil
	}
	return strings.Split(path, ".")
}

// space returns the first index from i on that is not white space.
func space(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

// value returns the index after the value that starts at i.
func value(raw []byte, i int) int {
	depth := 0
	for i < len(raw) {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of what holds a number or a word
				return i
			}
			depth--
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if i++; depth == 0 {
			break
		}
	}
	return min(i, len(raw))
}

// same reports whether a JSON string is s.
func same(raw []byte, s string) bool {
	if bytes.IndexByte(raw, '\\') >= 0 {
		return text(raw) == s
	}
	return len(raw) == len(s)+2 && string(raw[1:len(raw)-1]) == s
}

// text decodes a JSON string; "" when it is something else.
func text(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // valid JSON, and a string
	return s
}

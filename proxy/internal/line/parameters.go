package line

import (
	"bytes"

	"github.com/weirproxy/weir/planner"
)

// hasParameter reports whether a query string has a parameter of that name with a value. Names in percent escapes are not recognised:
// such a request is relayed unread.
func hasParameter(query []byte, name string) bool {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		k, v, _ := bytes.Cut(pair, []byte("="))
		if string(k) == name && len(v) > 0 {
			return true
		}
	}
	return false
}

// readParameters reads a GET request's parameters (GraphQL over HTTP, section 5.3) into r. Decoded values live in scratch, which is
// returned. ok is false when a value is malformed or appears twice, where servers disagree.
func readParameters(query []byte, r *planner.Request, scratch []byte) (_ []byte, ok bool) {
	*r = planner.Request{}
	// Values may move while scratch grows, so it gets its final size first: decoding never lengthens.
	if cap(scratch) < len(query) {
		scratch = make([]byte, 0, len(query))
	}
	scratch = scratch[:0]
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		k, v, _ := bytes.Cut(pair, []byte("="))
		var field *[]byte
		switch string(k) {
		case "query":
			field = &r.Query
		case "operationName":
			field = &r.OperationName
		case "variables":
			field = &r.Variables
		case "extensions":
			field = &r.Extensions
		default:
			continue
		}
		if *field != nil {
			return scratch, false
		}
		start := len(scratch)
		if scratch, ok = unescape(scratch, v); !ok {
			return scratch, false
		}
		if len(scratch) > start { // an empty value counts as absent
			*field = scratch[start:len(scratch):len(scratch)]
		}
	}
	return scratch, readExtensions(r)
}

// readExtensions takes the persisted query's hash out of the extensions, by reading them as a request body holds them.
func readExtensions(r *planner.Request) bool {
	if len(r.Extensions) == 0 {
		return true
	}
	var inner planner.Request
	body := make([]byte, 0, len(r.Extensions)+16)
	body = append(body, `{"extensions":`...)
	body = append(body, r.Extensions...)
	body = append(body, '}')
	if err := planner.ParseRequest(body, &inner); err != nil {
		return false
	}
	r.APQHash, r.APQVersion = inner.APQHash, inner.APQVersion
	return true
}

// unescape appends the decoded form value (WHATWG URL, section 5.1).
func unescape(dst, v []byte) ([]byte, bool) {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; c {
		case '+':
			dst = append(dst, ' ')
		case '%':
			if i+2 >= len(v) {
				return dst, false
			}
			hi, lo := unhex(v[i+1]), unhex(v[i+2])
			if hi > 15 || lo > 15 {
				return dst, false
			}
			dst = append(dst, hi<<4|lo)
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst, true
}

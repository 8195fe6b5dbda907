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

// parameterNames are the parameters of GraphQL over HTTP, section 5.3.
var parameterNames = [...]string{"query", "operationName", "variables", "extensions"}

// disguised reports whether a server could take the name for one of GraphQL's parameters though it is spelt otherwise: in escapes, in
// other letters, or with the brackets of lists.
func disguised(name []byte) bool {
	for _, c := range name {
		if c == '%' || c == '+' {
			return true
		}
	}
	for _, p := range parameterNames {
		if len(name) >= len(p) && bytes.EqualFold(name[:len(p)], []byte(p)) && (len(name) == len(p) || name[len(p)] == '[' || name[len(p)] == '.') {
			return true
		}
	}
	return false
}

// steered reports whether the target of a POST has parameters that some servers prefer to those of the body.
func steered(query []byte) bool {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		if k, _, _ := bytes.Cut(pair, []byte("=")); disguised(k) {
			return true
		}
	}
	return false
}

// appendForeign appends the parameters that are not GraphQL's, as received: a server may heed them. get tells that GraphQL's own are in
// the target, too.
func appendForeign(dst, query []byte, get bool) []byte {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		if k, _, _ := bytes.Cut(pair, []byte("=")); get && disguised(k) { // readParameters has made sure that it is one of ours
			continue
		}
		dst = append(append(dst, pair...), '&')
	}
	return dst
}

// readParameters reads a GET request's parameters (GraphQL over HTTP, section 5.3) into r. Decoded values live in scratch, which is
// returned. ok is false when a value is malformed or appears twice, or in
// a disguise, where servers disagree.
func readParameters(query []byte, r *planner.Request, scratch []byte) (_ []byte, ok bool) {
	*r = planner.Request{}
	// Values may move while scratch grows, so it gets its final size first: decoding never lengthens.
	if need := 2*len(query) + 32; cap(scratch) < need {
		scratch = make([]byte, 0, need)
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
			if disguised(k) {
				return scratch, false
			}
			continue
		}
		if *field != nil {
			return scratch, false
		}
		start := len(scratch)
		if scratch, ok = unescape(scratch, v); !ok {
			return scratch, false
		}
		*field = scratch[start:len(scratch):len(scratch)]
	}
	for _, field := range []*[]byte{&r.Query, &r.OperationName, &r.Variables, &r.Extensions} {
		if len(*field) == 0 { // an empty value counts as absent
			*field = nil
		}
	}
	return scratch, readExtensions(r, scratch)
}

// readExtensions takes the persisted query's hash out of the extensions, by reading them as a request body holds them. That body is put
// together behind the values in scratch.
func readExtensions(r *planner.Request, scratch []byte) bool {
	if len(r.Extensions) == 0 {
		return true
	}
	var inner planner.Request
	body := append(scratch[len(scratch):], `{"extensions":`...)
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

package replay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Header is a field of a request.
type Header struct{ Name, Value string }

// managed are fields that the sender of a request decides itself, that speak of a connection, or that would change what an answer is.
func managed(name string) bool {
	switch name {
	case "host", "content-length", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade", "expect",
		"accept-encoding", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range":
		return true
	}
	return strings.HasPrefix(name, ":") || strings.HasPrefix(name, "sec-websocket-")
}

// credential reports whether a field may hold a secret, by its name.
func credential(name string) bool {
	for _, word := range []string{"cookie", "auth", "token", "secret", "session", "csrf", "xsrf", "api-key", "apikey", "password", "credential", "jwt", "signature"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// headerLines writes the fields to be sent, each line with its end. Given ones replace recorded ones.
func (r *reader) headerLines(dst []byte, recorded []Header, body bool) []byte {
	given := func(name string) bool {
		return slices.ContainsFunc(r.Headers, func(h Header) bool { return strings.EqualFold(h.Name, name) })
	}
	contentType, accept := !body || given("Content-Type"), given("Accept")
	for _, h := range recorded {
		name := strings.ToLower(h.Name)
		switch {
		case managed(name) || given(name) || !validHeader(h.Name, h.Value) || !r.KeepCredentials && credential(name) || !body && name == "content-type":
			continue
		}
		contentType = contentType || name == "content-type"
		accept = accept || name == "accept"
		dst = append(append(append(append(dst, h.Name...), ": "...), h.Value...), "\r\n"...)
	}
	if !contentType {
		dst = append(dst, "Content-Type: application/json\r\n"...)
	}
	if !accept {
		dst = append(dst, "Accept: application/json\r\n"...)
	}
	for _, h := range r.Headers {
		dst = append(append(append(append(dst, h.Name...), ": "...), h.Value...), "\r\n"...)
	}
	return dst
}

// ParseHeader reads NAME: VALUE.
func ParseHeader(line string) (Header, error) {
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	if !ok || !validHeader(name, value) || managed(strings.ToLower(name)) {
		return Header{}, fmt.Errorf("header %.80q: write NAME: VALUE, of a field that is the client's to say", line)
	}
	return Header{name, value}, nil
}

// validHeader keeps a recorded text from becoming another field, or another request.
func validHeader(name, value string) bool {
	if name == "" || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool {
		return !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", c))
	})
}

// appendHeader takes a value of a JSON object of headers: a text, or a list of them.
func appendHeader(dst []Header, name string, raw []byte) []Header {
	var values []string
	if raw[0] == '"' {
		values = make([]string, 1)
		_ = json.Unmarshal(raw, &values[0]) // a string of a valid line
	} else if json.Unmarshal(raw, &values) != nil {
		return dst // numbers and objects are no fields
	}
	for _, v := range values {
		dst = append(dst, Header{name, v})
	}
	return dst
}

// sortHeaders makes the order of a JSON object's members one order.
func sortHeaders(headers []Header) {
	slices.SortStableFunc(headers, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
}

package gql

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Object is a response object: its members keep the order of the selection.
type Object struct{ members []member }

type member struct {
	name  string
	value any
}

// Response is the result of one operation.
type Response struct {
	Data        *Object // nil with !Refused: data is null
	Errors      []Error
	Policy      Policy
	Refused     bool   // nothing was executed; the response has no data member
	WrongMethod bool   // a mutation came by GET
	Mutation    bool   // the operation was a mutation
	Operation   string // kind and first root field, for counters
}

// AppendJSON appends the response in JSON (specification 7.2).
func (r *Response) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	if len(r.Errors) > 0 {
		dst = r.AppendErrors(append(dst, `"errors":`...))
		if !r.Refused {
			dst = append(dst, ',')
		}
	}
	if !r.Refused {
		dst = append(dst, `"data":`...)
		if r.Data == nil {
			dst = append(dst, "null"...)
		} else {
			dst = appendValue(dst, r.Data)
		}
	}
	return append(dst, '}')
}

// AppendErrors appends the list of errors in JSON.
func (r *Response) AppendErrors(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range r.Errors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.Errors[i].appendJSON(dst)
	}
	return append(dst, ']')
}

func (e *Error) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"message":`...)
	dst = appendString(dst, e.Message)
	if e.Line > 0 {
		dst = append(dst, `,"locations":[{"line":`...)
		dst = strconv.AppendInt(dst, int64(e.Line), 10)
		dst = append(dst, `,"column":`...)
		dst = strconv.AppendInt(dst, int64(e.Column), 10)
		dst = append(dst, "}]"...)
	}
	if len(e.Path) > 0 {
		dst = append(dst, `,"path":`...)
		dst = appendValue(dst, e.Path)
	}
	if e.Code != "" {
		dst = append(dst, `,"extensions":{"code":`...)
		dst = appendString(dst, e.Code)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	case json.RawMessage:
		return append(dst, v...)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, item)
		}
		return append(dst, ']')
	case *Object:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, m.name)
			dst = append(dst, ':')
			dst = appendValue(dst, m.value)
		}
		return append(dst, '}')
	default:
		panic("BUG: no JSON form for this response value")
	}
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
			i++
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return append(dst, '"')
}

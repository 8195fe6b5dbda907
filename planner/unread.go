package planner

import (
	"github.com/weirproxy/weir/planner/internal/glance"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/shape"
)

// ParseRequestStart reads document and operation name from the beginning of a request whose end is not there. It returns false when the
// document is not whole in it. What follows may say otherwise: it is for requests that pass unread.
func ParseRequestStart(body []byte, r *Request) bool {
	*r = Request{Escaped: true}
	i := jsonscan.Space(body, 0)
	if jsonscan.KindAt(body, i) != jsonscan.Object {
		return false
	}
	for i++; ; {
		i = jsonscan.Space(body, i)
		end, escaped, ok := jsonscan.SkipString(body, i)
		if !ok {
			return r.Query != nil
		}
		key := body[i+1 : end-1]
		if i = jsonscan.Space(body, end); i >= len(body) || body[i] != ':' {
			return r.Query != nil
		}
		i = jsonscan.Space(body, i+1)
		end, st := jsonscan.Skip(body, i, envelopeDepth)
		if st != jsonscan.OK {
			return r.Query != nil
		}
		if jsonscan.KindAt(body, i) == jsonscan.String {
			switch {
			case jsonscan.EqualKey(key, escaped, "query"):
				r.Query = body[i+1 : end-1]
			case jsonscan.EqualKey(key, escaped, "operationName"):
				r.OperationName = body[i+1 : end-1]
			}
		}
		if i = jsonscan.Space(body, end); i >= len(body) || body[i] != ',' {
			return r.Query != nil
		}
		i++
	}
}

// MayMutate tells whether the operation that a document and a name mean may be a mutation. It does not parse the document: a mutation is never
// missed, and what is none may be taken for one.
func MayMutate(document, operationName string) bool {
	list := glance.Operations(document)
	for _, op := range list {
		if op.Keyword == "mutation" && (operationName == "" || operationName == op.Name) {
			return true
		}
	}
	return len(list) >= glance.MaxOperations
}

// ReadFacts reads what a response says about itself, whatever was asked.
func ReadFacts(body []byte) Facts {
	var t Tags
	return anyShape.Walk(body, &t)
}

var anyShape = shape.Compile(nil, nil, nil)

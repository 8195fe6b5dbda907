package answer

import (
	"encoding/json"
	"net/http"

	"github.com/weirproxy/weir/planner"
)

// StatusPartialSuccess is the status of data with errors in the draft of GraphQL over HTTP of 2026-08.
const StatusPartialSuccess = 294

type location struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

type graphQLError struct {
	Message    string            `json:"message"`
	Locations  []location        `json:"locations,omitempty"`
	Path       []any             `json:"path,omitempty"`
	Extensions map[string]string `json:"extensions"`
}

type graphQLErrors struct {
	Errors []graphQLError `json:"errors"`
}

// AppendErrors appends the body of a response that has errors and no data (GraphQL, section 7.1.2).
func AppendErrors(dst []byte, errs []planner.Error) []byte {
	body := graphQLErrors{Errors: make([]graphQLError, len(errs))}
	for i := range errs {
		e := graphQLError{Message: errs[i].Message, Path: errs[i].Path, Extensions: map[string]string{"code": errs[i].Code}}
		for _, l := range errs[i].Locations {
			e.Locations = append(e.Locations, location{l.Line, l.Column})
		}
		body.Errors[i] = e
	}
	text, err := json.Marshal(body)
	if err != nil { // a path holds strings and integers only
		return append(dst, `{"errors":[{"message":"The error could not be described."}]}`...)
	}
	return append(dst, text...)
}

// Status returns the status of a response that has errors of the given class and no data. Without draft2026 it is the status
// servers used before the draft of 2026-08, under application/json 200 for a document that parses.
func Status(class planner.Class, media Media, draft2026 bool) int {
	switch {
	case draft2026 && class == planner.ClassParse, class == planner.ClassRequest && !draft2026:
		return http.StatusBadRequest
	case draft2026:
		return http.StatusUnprocessableEntity
	case media == MediaJSON:
		return http.StatusOK
	}
	return http.StatusBadRequest
}

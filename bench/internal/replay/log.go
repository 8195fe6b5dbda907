package replay

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/weirproxy/weir/bench/internal/instant"
)

// logLine is one request of a log.
type logLine struct {
	Time, Timestamp, Ts json.RawMessage
	At                  json.RawMessage `json:"@timestamp"`

	OperationName, Query  string
	Variables, Extensions json.RawMessage
	DocumentID            string
	Body                  json.RawMessage // JSON, or a text of it
	Method, URL           string
	Headers               map[string]json.RawMessage
}

// LogForm describes a log, for help texts.
const LogForm = `  {"time":"2026-05-04T12:00:00.25Z","operationName":"City","query":"query City($id: ID!) { city(id: $id) { name } }","variables":{"id":1}}
  {"time":1777896000500,"body":{"query":"{ stats { cities } }"},"headers":{"X-Tenant":"a"}}
  {"time":1777896000750,"method":"GET","url":"/graphql?query=%7Bstats%7Bcities%7D%7D"}`

func (r *reader) readLog(in io.Reader) error {
	return r.readLines(in, func(raw []byte) error {
		var l logLine
		if err := json.Unmarshal(raw, &l); err != nil {
			r.skip("a line that is no request: %s", jsonProblem(err))
			return nil
		}
		return r.logRequest(&l)
	})
}

// jsonProblem is an error of encoding/json without what differs from line to line.
func jsonProblem(err error) string {
	if e := (*json.UnmarshalTypeError)(nil); errors.As(err, &e) {
		if e.Field == "" {
			return "it is a JSON " + strings.Fields(e.Value)[0] + ", not an object"
		}
		return e.Field + " is a JSON " + strings.Fields(e.Value)[0]
	}
	return "it is no JSON"
}

func (r *reader) logRequest(l *logLine) error {
	var q request
	for _, raw := range []json.RawMessage{l.Time, l.At, l.Timestamp, l.Ts} {
		if len(raw) > 0 && q.at.IsZero() {
			q.at, _ = instant.Parse(raw) // none is refused with the request
		}
	}
	if r.Match != "" && !strings.Contains(l.URL, r.Match) {
		r.skip("its url does not contain %q", r.Match)
		return nil
	}
	for name, raw := range l.Headers {
		q.headers = appendHeader(q.headers, name, raw)
	}
	sortHeaders(q.headers)
	if strings.EqualFold(l.Method, "GET") {
		_, q.query, _ = strings.Cut(l.URL, "?")
		q.query, _, _ = strings.Cut(q.query, "#")
		q.get = true
		return r.fromURL(&q)
	}
	switch {
	case l.Method != "" && !strings.EqualFold(l.Method, "POST"):
		r.skip("its method is %.20s", l.Method)
		return nil
	case len(l.Body) > 0 && l.Body[0] == '"':
		var text string
		_ = json.Unmarshal(l.Body, &text) // a string of a valid line
		q.body = []byte(text)
	case len(l.Body) > 0 && string(l.Body) != "null":
		q.body = l.Body
	case l.Query == "" && len(l.Extensions) == 0 && l.DocumentID == "":
		r.skip("neither query nor body")
		return nil
	case l.DocumentID != "":
		q.body, _ = json.Marshal(struct { // raw parts come from valid JSON
			DocumentID string          `json:"documentId"`
			Name       string          `json:"operationName,omitempty"`
			Variables  json.RawMessage `json:"variables,omitempty"`
		}{l.DocumentID, l.OperationName, l.Variables})
	default:
		q.body = graphQLBody(l.OperationName, l.Query, l.Variables, l.Extensions)
	}
	return r.post(&q)
}

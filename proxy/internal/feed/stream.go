package feed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// stream carries the subscription out over an event stream (github.com/enisdenjo/graphql-sse, PROTOCOL.md, distinct connections mode) and returns why it
// ended; nil: it is complete. The head of the answer may come with the first event, so nothing bounds the wait for it; a host that is gone is found out by
// TCP.
func (s *source) stream(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.hub.cfg.Targets[s.target].URL, bytes.NewReader(s.payload))
	if err != nil {
		return lost(err)
	}
	request.Header = s.header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("User-Agent", "weir")
	answer, err := s.hub.clients[s.target].Do(request)
	if err != nil {
		return lost(err)
	}
	defer func() { _ = answer.Body.Close() }()
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if media != "text/event-stream" || answer.StatusCode != http.StatusOK {
		return s.refusal(answer)
	}
	return s.readEvents(answer.Body)
}

// refusal reads an answer that is no stream: errors as JSON, or nothing that can be told.
func (s *source) refusal(answer *http.Response) error {
	var said struct {
		Errors json.RawMessage `json:"errors"`
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, s.hub.cfg.MaxEvent))
	if err != nil || json.Unmarshal(text, &said) != nil || len(said.Errors) == 0 || said.Errors[0] != '[' {
		return lost(fmt.Errorf("the answer is no event stream, but status %d, %q", answer.StatusCode, answer.Header.Get("Content-Type")))
	}
	return &Refused{said.Errors}
}

// readEvents publishes events up to the end (HTML, section 9.2.6). A stream that ends without complete is broken off.
func (s *source) readEvents(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, int(s.hub.cfg.MaxEvent)+len("data: \r\n"))
	var kind string
	var data []byte
	for some := false; lines.Scan(); {
		line := lines.Bytes()
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0 && kind == "complete":
			return nil
		case len(line) == 0:
			if kind == "next" && some && json.Valid(data) {
				s.publish(data)
			}
			kind, data, some = "", nil, false // who got the data keeps it
		case string(name) == "event":
			kind = string(value)
		case string(name) == "data":
			if some {
				data = append(data, '\n')
			}
			if data, some = append(data, value...), true; int64(len(data)) > s.hub.cfg.MaxEvent {
				return lost(bufio.ErrTooLong)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return lost(err)
	}
	return lost(io.ErrUnexpectedEOF)
}

package subscribe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// eventOpener prepares streams of server-sent events.
func (r *run) eventOpener(c *http.Client) (func(context.Context) (stream, error), error) {
	method, address := http.MethodPost, base(r.Target)
	var body []byte
	if r.Protocol == SSEGet {
		method, body = http.MethodGet, nil
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		address += separator + r.query()
	} else {
		var err error
		if body, err = r.payload(); err != nil {
			return nil, err
		}
	}
	if _, err := http.NewRequest(method, address, nil); err != nil {
		return nil, fmt.Errorf("subscription %q: %w", r.Name, err)
	}
	return func(ctx context.Context) (stream, error) {
		// The request outlives ctx: the end of a run goes through end.
		whole, cancel := context.WithCancel(context.WithoutCancel(ctx))
		setup := time.AfterFunc(r.Setup, cancel)
		stop := context.AfterFunc(ctx, cancel)
		s, err := r.openEvents(whole, cancel, c, method, address, body)
		if stop() && setup.Stop() && err == nil {
			return s, nil
		}
		timedOut := ctx.Err() == nil && whole.Err() != nil
		cancel()
		if err == nil {
			s.end()
			err = whole.Err()
		}
		if timedOut {
			return nil, failed(failTimeout, "no answer within %v", r.Setup)
		}
		return nil, err
	}, nil
}

func (r *run) openEvents(ctx context.Context, cancel func(), c *http.Client, method, address string, body []byte) (*events, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header, req.Host = r.header()
	req.Header.Set("Accept", "text/event-stream")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, r.dialFailure(ctx, err)
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // a broken one is refused below
	if res.StatusCode == http.StatusOK && media == "text/event-stream" {
		return &events{body: res.Body, cancel: cancel, in: newEventReader(res.Body)}, nil
	}
	excerpt, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // only for the message
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, failed(fmt.Sprintf("status %d", res.StatusCode), "the server refused: %.200q", excerpt)
	}
	return nil, failed(failProtocol, "the answer is %q, not text/event-stream: %.200q", res.Header.Get("Content-Type"), excerpt)
}

// events is a subscription over server-sent events.
type events struct {
	body   io.Closer
	cancel func()
	in     *eventReader
}

func (s *events) next() ([]byte, error) {
	for {
		e, err := s.in.next()
		switch {
		case errors.Is(err, errTooLong):
			return nil, failed(failProtocol, "%w", err)
		case errors.Is(err, io.EOF):
			return nil, failed(failIO, "the stream ended without complete")
		case err != nil:
			return nil, failed(failIO, "%w", err)
		}
		switch string(e.name) {
		case "next", "message":
			if !json.Valid(e.data) {
				return nil, failed(failProtocol, "an event that is no JSON: %.200q", e.data)
			}
			return e.data, nil
		case "complete":
			return nil, failed(failCompleted, "the server completed the subscription")
		}
		// Other events are not the subscription's.
	}
}

func (s *events) end() {
	s.cancel() // in this mode the client completes by leaving
	_ = s.body.Close()
}

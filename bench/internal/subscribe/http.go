package subscribe

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/weirproxy/weir/bench/internal/load"
)

// client connects to the target whatever host the URL names. No connection is used twice.
func client(t load.Target) *http.Client {
	var dialer net.Dialer
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, t.Network, t.Address)
			},
			MaxIdleConnsPerHost: -1,
			DisableCompression:  true,
			WriteBufferSize:     2 << 10, // a stream is one request: large buffers would be idle memory times the open streams
			ReadBufferSize:      4 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// base is the URL of the target.
func base(t load.Target) string {
	return "http://" + t.Host + "/" + strings.TrimPrefix(t.Path, "/")
}

// payload is the GraphQL request as JSON.
func (r *run) payload() (json.RawMessage, error) {
	return json.Marshal(struct {
		Query         string          `json:"query"`
		OperationName string          `json:"operationName,omitempty"`
		Variables     json.RawMessage `json:"variables,omitempty"`
	}{r.Document, r.Name, r.Variables})
}

// query is the GraphQL request as parameters of a URL.
func (r *run) query() string {
	q := url.Values{"query": {r.Document}}
	if r.Name != "" {
		q.Set("operationName", r.Name)
	}
	if r.Variables != nil {
		q.Set("variables", string(r.Variables))
	}
	return q.Encode()
}

// opener prepares what all streams share.
func (r *run) opener() (func(context.Context) (stream, error), error) {
	c := client(r.Target)
	if r.Protocol == SSE || r.Protocol == SSEGet {
		return r.eventOpener(c)
	}
	return r.socketOpener(c)
}

func (r *run) header() (h http.Header, host string) {
	h = http.Header{}
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Host") {
			host = value
			continue
		}
		h.Set(name, value)
	}
	return h, host
}

// dialFailure gives an error of opening its kind.
func (r *run) dialFailure(ctx context.Context, err error) error {
	var op *net.OpError
	switch {
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return failed(failTimeout, "no answer within %v: %w", r.Setup, err)
	case errors.Is(err, syscall.EMFILE):
		return failed(failConnect, "%w; raise the limit of open files (ulimit -n)", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return failed(failConnect, "%w; all local ports are in use: open fewer, or use a Unix socket", err)
	case errors.As(err, &op) && op.Op == "dial":
		return failed(failConnect, "%w", err)
	}
	return failed(failIO, "%w", err)
}

package reference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// Kind of reference server.
type Kind string

// Kinds.
const (
	Constant Kind = "const"    // one answer for everything
	Upstream Kind = "upstream" // the same behind those that are measured: it counts
	Proxy    Kind = "minproxy" // hands each request to the upstream
	Relay    Kind = "relay"    // copies bytes between two TCP connections
)

// CounterPath is where Upstream says how many requests it answered, in decimal digits. Asking counts as none.
const CounterPath = "/-/requests"

// Answer makes a GraphQL answer of exactly size bytes: a city with a long name.
func Answer(size int) ([]byte, error) {
	const head, tail = `{"data":{"city":{"id":"1","revision":0,"name":"`, `"}}}`
	fill := size - len(head) - len(tail)
	if fill < 0 {
		return nil, fmt.Errorf("reference: an answer has at least %d bytes", len(head)+len(tail))
	}
	b := append([]byte(head), bytes.Repeat([]byte("w"), fill)...)
	return append(b, tail...), nil
}

// Config of a server.
type Config struct {
	Kind     Kind
	Size     int    // of the answer of Constant and Upstream, in bytes
	Upstream string // HOST:PORT behind Proxy and Relay
}

// Serve answers on l until ctx ends, and closes l.
func (cfg Config) Serve(ctx context.Context, l net.Listener) error {
	var handler fasthttp.RequestHandler
	switch cfg.Kind {
	case Constant, Upstream:
		body, err := Answer(cfg.Size)
		if err != nil {
			return err
		}
		handler = constant(body)
		if cfg.Kind == Upstream {
			handler = counting(handler)
		}
	case Relay:
		return relay(ctx, l, cfg.Upstream)
	case Proxy:
		client := &fasthttp.HostClient{Addr: cfg.Upstream, MaxConns: 4096, NoDefaultUserAgentHeader: true}
		defer client.CloseIdleConnections()
		handler = func(c *fasthttp.RequestCtx) {
			if err := client.Do(&c.Request, &c.Response); err != nil {
				c.Error(err.Error(), fasthttp.StatusBadGateway)
			}
		}
	default:
		return fmt.Errorf("reference: unknown kind %q, it is %s, %s, %s or %s", cfg.Kind, Constant, Upstream, Proxy, Relay)
	}
	s := &fasthttp.Server{Handler: handler, NoDefaultServerHeader: true, Concurrency: 4096}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.Join(s.ShutdownWithContext(context.WithoutCancel(ctx)), <-done)
	}
}

// constant is the least that fasthttp can do.
func constant(body []byte) fasthttp.RequestHandler {
	return func(c *fasthttp.RequestCtx) {
		c.Response.Header.SetContentType("application/json")
		c.Response.Header.Set("Cache-Control", "max-age=600, public")
		c.Response.SetBodyRaw(body)
	}
}

// counting wraps a server so that a test can tell whether a request reached it.
func counting(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	var requests atomic.Int64
	return func(c *fasthttp.RequestCtx) {
		if string(c.Path()) == CounterPath {
			c.SetBody(strconv.AppendInt(nil, requests.Load(), 10))
			return
		}
		requests.Add(1)
		next(c)
	}
}

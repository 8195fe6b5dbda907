package reference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/valyala/fasthttp"
)

// Kind of reference server.
type Kind string

// Kinds.
const (
	Constant Kind = "const"    // one answer for everything
	Proxy    Kind = "minproxy" // hands each request to the upstream
)

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

// Serve answers on l until ctx ends. size is the answer's of Constant; upstream is HOST:PORT for Proxy.
func Serve(ctx context.Context, l net.Listener, k Kind, size int, upstream string) error {
	var handler fasthttp.RequestHandler
	switch k {
	case Constant:
		body, err := Answer(size)
		if err != nil {
			return err
		}
		handler = func(c *fasthttp.RequestCtx) {
			c.Response.Header.SetContentType("application/json")
			c.Response.Header.Set("Cache-Control", "max-age=600, public")
			c.Response.SetBodyRaw(body)
		}
	case Proxy:
		client := &fasthttp.HostClient{Addr: upstream, MaxConns: 4096, NoDefaultUserAgentHeader: true}
		defer client.CloseIdleConnections()
		handler = func(c *fasthttp.RequestCtx) {
			if err := client.Do(&c.Request, &c.Response); err != nil {
				c.Error(err.Error(), fasthttp.StatusBadGateway)
			}
		}
	default:
		return fmt.Errorf("reference: unknown kind %q", k)
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

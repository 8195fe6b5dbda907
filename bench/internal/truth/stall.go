package truth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// Cycle is how a server stalls: during the first Stall of each Every. The first cycle begins when the server starts.
type Cycle struct{ Stall, Every time.Duration }

// Quantile is the latency that a share q of the requests does not exceed, for requests that are due evenly over whole cycles.
func (c Cycle) Quantile(q float64) time.Duration {
	return max(0, c.Stall-time.Duration((1-q)*float64(c.Every)).Round(time.Microsecond))
}

// wait is how long a request that arrives at an age of the server waits.
func (c Cycle) wait(age time.Duration) time.Duration {
	return max(0, c.Stall-age%c.Every)
}

// Server is a running stalling server.
type Server struct {
	cycle    Cycle
	server   *fasthttp.Server
	listener net.Listener
	address  string
	begun    time.Time
	done     chan error
	closing  chan struct{}
}

const (
	answerBody  = `{"data":{"truth":true}}`
	connections = 20_000 // the server takes
)

// Start serves on a free port of 127.0.0.1.
func Start(c Cycle) (*Server, error) {
	if c.Stall <= 0 || c.Every <= c.Stall {
		return nil, fmt.Errorf("truth: a stall of %s every %s: it must be positive and shorter than its cycle", c.Stall, c.Every)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{cycle: c, listener: l, address: l.Addr().String(), begun: time.Now(), done: make(chan error, 1), closing: make(chan struct{})}
	body := []byte(answerBody)
	s.server = &fasthttp.Server{
		NoDefaultServerHeader: true, Concurrency: connections, CloseOnShutdown: true,
		Handler: func(r *fasthttp.RequestCtx) {
			if wait := s.cycle.wait(time.Since(s.begun)); wait > 0 {
				s.sleep(wait)
			}
			r.Response.Header.SetContentType("application/json")
			r.Response.SetBodyRaw(body)
		},
	}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

// sleep waits unless the server ends.
func (s *Server) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.closing:
	}
}

// URL of the server.
func (s *Server) URL() string { return "http://" + s.address + "/graphql" }

// Close ends it.
func (s *Server) Close() error {
	close(s.closing)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.server.ShutdownWithContext(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // connections that a client left open
	}
	if e := s.listener.Close(); e != nil && !errors.Is(e, net.ErrClosed) { // a shutdown before Serve has begun knows no listener
		err = errors.Join(err, e)
	}
	if served := <-s.done; !errors.Is(served, net.ErrClosed) {
		err = errors.Join(err, served)
	}
	return err
}

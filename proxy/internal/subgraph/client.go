package subgraph

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
)

// Config sets up a Client. URL is needed.
type Config struct {
	URL string // http or https
	// Dial connects to host:port. Default: a net.Dialer.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	TLS  *tls.Config // for https; nil: the system's authorities
	// MaxIdle bounds the connections kept open. Default 64.
	MaxIdle int
	// MaxCalls bounds calls under way; more wait until their deadline. Default 256.
	MaxCalls int
	// MaxAnswer bounds an answer's content in bytes. Default 8 MiB.
	MaxAnswer int
	// Idle is how long a connection may rest before it is not used again. Default 30 s.
	Idle time.Duration
	// Timeout bounds one call, all it waits for and all attempts included. Default 10 s.
	Timeout time.Duration
	Retries Retries
	Hedging Hedging
	// Resolve returns the addresses of the host, of which a hedge takes another one than the first attempt. Default: the system's resolver.
	Resolve func(ctx context.Context, host string) ([]string, error)
	// Breaker is asked by calls that come with rules; nil: none. A client that takes the place of another one goes on with its breaker.
	Breaker *breaker.Breaker
	// Share lets requests that ask for it have the answer to an identical one that is under way.
	Share bool
	// Objective is how long a call should take at most; calls that take longer are counted. 0: none.
	Objective time.Duration
	// Changed hears that the breaker opened or closed; nil: nobody does.
	Changed func(open bool)
}

// Client asks one subgraph.
type Client struct {
	cfg     Config
	address string
	head    []byte // of a request, up to the value of Content-Length
	secure  *tls.Config
	calls   chan struct{}
	budget  budget
	recent  recent
	places  places
	counts  counts
	lanes   *[laneCount]lane // nil: nothing is shared
	barrier atomic.Uint64
	spare   sync.Pool // of exchanges whose call has other memory
	hedges  sync.Pool

	mu   sync.Mutex
	idle []*conn // the one used last is at the end
	shut bool
}

// Error is a call that failed.
type Error struct {
	Code  codes.Code
	Cause error
}

func (e *Error) Error() string { return e.Code.String() + ": " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns a client without connections. An error names the address that cannot be used.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("subgraph address %q: write http://host:port/path or https://host:port/path", cfg.URL)
	}
	setDefault(&cfg.MaxIdle, 64)
	setDefault(&cfg.MaxCalls, 256)
	setDefault(&cfg.MaxAnswer, 8<<20)
	setDefault(&cfg.Idle, 30*time.Second)
	setDefault(&cfg.Timeout, 10*time.Second)
	if cfg.Dial == nil {
		d := &net.Dialer{KeepAlive: 15 * time.Second}
		cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }
	}
	if cfg.Resolve == nil {
		cfg.Resolve = net.DefaultResolver.LookupHost
	}
	c := &Client{cfg: cfg, address: u.Host, calls: make(chan struct{}, cfg.MaxCalls)}
	c.budget.ratio, c.budget.rate = cfg.Retries.Budget, cfg.Retries.PerSecond
	if cfg.Share {
		c.lanes = new([laneCount]lane)
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
		if c.secure = cfg.TLS.Clone(); c.secure == nil {
			c.secure = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if c.secure.ServerName == "" {
			c.secure.ServerName = u.Hostname()
		}
		c.secure.NextProtos = []string{"http/1.1"}
	}
	if u.Port() == "" {
		c.address = net.JoinHostPort(u.Hostname(), port)
	}
	c.head = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json\r\nUser-Agent: weir\r\nContent-Length: ",
		u.RequestURI(), u.Host)
	return c, nil
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Timeout bounds one call.
func (c *Client) Timeout() time.Duration { return c.cfg.Timeout }

// Close closes the connections that rest; those in use are closed when their calls are over.
func (c *Client) Close() {
	c.mu.Lock()
	c.shut = true
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, k := range idle {
		_ = k.Close()
	}
}

// conn is a connection with what has to live as long as it.
type conn struct {
	net.Conn
	used time.Time
}

// take returns a connection that rests and is not known to be closed, nil when there is none.
func (c *Client) take(now time.Time) *conn {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return nil
		}
		k := c.idle[n-1]
		c.idle[n-1] = nil
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if now.Sub(k.used) < c.cfg.Idle {
			return k
		}
		_ = k.Close()
	}
}

func (c *Client) give(k *conn) {
	k.used = time.Now()
	c.mu.Lock()
	if c.shut || len(c.idle) >= c.cfg.MaxIdle {
		c.mu.Unlock()
		_ = k.Close()
		return
	}
	c.idle = append(c.idle, k)
	c.mu.Unlock()
}

func (c *Client) dial(ctx context.Context, address string) (*conn, error) {
	raw, err := c.cfg.Dial(ctx, address)
	if err != nil {
		return nil, failure(codes.SubgraphConnect, err)
	}
	if c.secure == nil {
		return &conn{Conn: raw}, nil
	}
	secure := tls.Client(raw, c.secure)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, failure(codes.SubgraphConnect, err)
	}
	return &conn{Conn: secure}, nil
}

// failure gives an error its code: what took too long is a timeout wherever it happened.
func failure(code codes.Code, err error) *Error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		code = codes.SubgraphTimeout
	}
	return &Error{Code: code, Cause: err}
}

func appendLength(dst []byte, n int) []byte {
	return append(strconv.AppendInt(dst, int64(n), 10), "\r\n"...)
}

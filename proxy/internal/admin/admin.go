package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/pprofhandler"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/listen"
)

// Sources are what the listener shows.
type Sources struct {
	Ready      func() bool // requests can be relayed
	Warming    func() bool // they can, and the cache is filled first; nil: never
	Metrics    func(io.Writer) error
	Config     func() []byte // YAML without secrets
	Plans      func() []planner.Description
	CacheStats func() any
	// Invalidate is nil when the cache is off. What it reached is nil when that is not known.
	Invalidate func(context.Context, cache.Invalidation) (cache.Receipt, *Reach, error)
	Names      Names
	// Tags are the tags on most entries; nil when the cache is off.
	Tags func(prefix string, top int) (uses []cache.TagUse, more int64)
	// Erase deletes all of a tenant from the shared tier; nil when the cache is off.
	Erase func(ctx context.Context, tenant string) (cache.Erasure, error)
	Fleet Fleet // nil when the cache is off
	Pprof bool
}

// Server is the listener.
type Server struct {
	sources  Sources
	listener listen.Listener
	server   *fasthttp.Server
	loopback bool
}

const maxBody = 1 << 20

// Open listens on HOST:PORT or unix:PATH.
func Open(address string, s Sources) (*Server, error) {
	l, err := listen.Open(address, "")
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	a := &Server{sources: s, listener: l}
	host, _, _ := net.SplitHostPort(l.Address())
	ip := net.ParseIP(host)
	a.loopback = ip != nil && ip.IsLoopback()
	a.server = &fasthttp.Server{
		Handler: a.guarded, Name: "weir", ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxRequestBodySize: maxBody, NoDefaultServerHeader: true, CloseOnShutdown: true, Logger: quiet{},
		NoDefaultDate: true, MaxIdleWorkerDuration: time.Minute, // else it wakes an idle sidecar every second (see date), and every ten
	}
	return a, nil
}

// quiet drops the server's own log lines: what clients do wrong is their answer.
type quiet struct{}

// Printf implements fasthttp.Logger.
func (quiet) Printf(string, ...any) {}

// Address is where the listener listens.
func (a *Server) Address() string { return a.listener.Address() }

// accepting makes a net.Listener of a listen.Listener.
type accepting struct{ listen.Listener }

func (l accepting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return c.Conn, nil
}

func (l accepting) Addr() net.Addr { return address(l.Address()) }

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

// Serve answers until ctx ends.
func (a *Server) Serve(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.server.Serve(accepting{a.listener})
	}()
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = a.server.ShutdownWithContext(end)
	a.Close()
	<-done
}

// Close stops listening.
func (a *Server) Close() { _ = a.listener.Close() }

// guarded keeps a defect in what is shown to its own request: fasthttp lets a panic end the process, and with it all traffic.
func (a *Server) guarded(ctx *fasthttp.RequestCtx) {
	date(&ctx.Response.Header)
	defer func() {
		if r := recover(); r != nil {
			ctx.Response.ResetBody()
			fail(ctx, fasthttp.StatusInternalServerError, "internal", fmt.Sprintf("A defect stopped this request: %v. Traffic is not affected; please report it.", r))
		}
	}()
	a.handle(ctx)
}

// date dates an answer. The server would by a clock that, once started, wakes an idle sidecar every second for as long as it lives, and it lets nobody set this
// field but who reads an answer in.
func date(h *fasthttp.ResponseHeader) {
	head := fasthttp.AppendHTTPDate([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: "), time.Now())
	_ = h.Read(bufio.NewReader(bytes.NewReader(append(head, "\r\n\r\n"...)))) // what is missing then is the date
}

func (a *Server) handle(ctx *fasthttp.RequestCtx) {
	if !a.allowed(ctx) {
		fail(ctx, fasthttp.StatusForbidden, "admin.forbidden", "The admin listener answers local tools only; ask for 127.0.0.1 or localhost, not from a web page.")
		return
	}
	path := string(ctx.Path())
	if private(path) && !local(ctx.RemoteAddr()) {
		fail(ctx, fasthttp.StatusForbidden, "admin.local_only", "Configuration, plans and profiles are shown to this host only; ask for them from inside the pod or through a port-forward.")
		return
	}
	switch {
	case path == "/healthz":
		get(ctx, func() { ctx.SetBodyString("ok\n") })
	case path == "/readyz":
		get(ctx, func() { a.ready(ctx) })
	case path == "/metrics":
		get(ctx, func() { a.metrics(ctx) })
	case path == "/config":
		get(ctx, func() { ctx.SetContentType("application/yaml"); ctx.SetBody(a.sources.Config()) })
	case path == "/plans":
		get(ctx, func() { writeJSON(ctx, a.sources.Plans()) })
	case path == "/cache/stats":
		get(ctx, func() { writeJSON(ctx, a.sources.CacheStats()) })
	case path == "/cache/erase":
		a.erase(ctx)
	case path == "/cache/tags":
		get(ctx, func() { a.tags(ctx) })
	case path == "/cache/invalidate":
		a.invalidate(ctx)
	case path == "/cache/fleet":
		get(ctx, func() { a.fleet(ctx) })
	case strings.HasPrefix(path, "/debug/pprof") && a.sources.Pprof:
		pprofhandler.PprofHandler(ctx)
	case path == "/":
		get(ctx, func() {
			ctx.SetBodyString("/healthz /readyz /metrics /config /plans /cache/stats /cache/fleet\nPOST /cache/invalidate " +
				"{\"tags\":[],\"types\":[],\"prefixes\":[],\"patterns\":[],\"operations\":[],\"tenants\":[],\"all\":false,\"soft\":false}\n" +
				"POST /cache/erase {\"tenant\":\"\"}\n")
		})
	default:
		fail(ctx, fasthttp.StatusNotFound, "admin.not_found", "There is no such path; GET / lists them.")
	}
}

// allowed refuses what a web page of another site may send to a loopback address: a foreign Origin, and names that were rebound to it.
func (a *Server) allowed(ctx *fasthttp.RequestCtx) bool {
	if len(ctx.Request.Header.Peek("Origin")) > 0 {
		return false
	}
	if !a.loopback {
		return true
	}
	host := string(ctx.Host())
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// private tells the paths whose answers are not for the network, whatever address the listener has: they show documents and settings.
func private(path string) bool {
	return path == "/config" || path == "/plans" || path == "/cache/tags" || strings.HasPrefix(path, "/debug/")
}

// local tells peers on this host: loopback and Unix sockets.
func local(peer net.Addr) bool {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return tcp.IP.IsLoopback()
	}
	return peer != nil && peer.Network() == "unix"
}

func get(ctx *fasthttp.RequestCtx, answer func()) {
	if !ctx.IsGet() && !ctx.IsHead() {
		ctx.Response.Header.Set("Allow", "GET, HEAD")
		fail(ctx, fasthttp.StatusMethodNotAllowed, "admin.method", "Use GET.")
		return
	}
	answer()
}

func (a *Server) ready(ctx *fasthttp.RequestCtx) {
	if a.sources.Warming != nil && a.sources.Warming() && a.sources.Ready() {
		fail(ctx, fasthttp.StatusServiceUnavailable, "admin.warming", "The sidecar relays already; it reports ready when its cache is filled, or when cache_warm_up is over.")
		return
	}
	if a.sources.Ready() {
		ctx.SetBodyString("ok\n")
		return
	}
	fail(ctx, fasthttp.StatusServiceUnavailable, "draining", "The sidecar is shutting down.")
}

func (a *Server) metrics(ctx *fasthttp.RequestCtx) {
	var b bytes.Buffer
	if err := a.sources.Metrics(&b); err != nil {
		fail(ctx, fasthttp.StatusInternalServerError, "internal", err.Error())
		return
	}
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	ctx.SetBody(b.Bytes())
}

func writeJSON(ctx *fasthttp.RequestCtx, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		fail(ctx, fasthttp.StatusInternalServerError, "internal", err.Error())
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(text, '\n'))
}

func fail(ctx *fasthttp.RequestCtx, status int, code, message string) {
	ctx.SetStatusCode(status)
	ctx.Response.Header.Set("Weir-Error", code)
	ctx.SetContentType("application/json")
	text, _ := json.Marshal(map[string]string{"code": code, "message": message})
	ctx.SetBody(append(text, '\n'))
}

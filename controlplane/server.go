package controlplane

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/weirproxy/weir/controlplane/api/weirv1/weirv1connect"
	"github.com/weirproxy/weir/controlplane/internal/access"
	"github.com/weirproxy/weir/controlplane/internal/rest"
	"github.com/weirproxy/weir/controlplane/internal/store"
	"github.com/weirproxy/weir/controlplane/internal/stream"
)

// Defaults of Config.
const (
	DefaultListen     = "127.0.0.1:9470"
	DefaultHeartbeat  = 10 * time.Second
	DefaultStreamLife = time.Hour
)

const (
	maxSidecarMessage = 1 << 20
	headerTime        = 10 * time.Second
	idleTime          = 2 * time.Minute
	stopTime          = 5 * time.Second
	maxStreams        = 1000 // of one connection; each sidecar has its own connection
)

// Roles of a Token.
const (
	RoleAdmin   = "admin"   // the whole API, and following
	RoleSidecar = "sidecar" // following alone
)

// Token is a bearer token; Name appears in the audit trail.
type Token struct{ Name, Role, Secret string }

// Config of a server. Dir and one admin token are needed.
type Config struct {
	Listen     string // HOST:PORT, DefaultListen when empty; port 0 takes a free one
	Dir        string // data folder, made when missing; one process at a time
	Tokens     []Token
	TLS        *tls.Config        // nil: plain HTTP/1 and HTTP/2 (h2c)
	SigningKey ed25519.PrivateKey // nil: snapshots are not signed
	Heartbeat  time.Duration      // how often server and sidecar speak at least
	StreamLife time.Duration      // after which a sidecar is asked to connect anew, ± 20 %
	Version    string             // of the program, told to sidecars
	Logger     *slog.Logger
}

// Server is a control plane. Make it with New, then call Run once.
type Server struct {
	cfg   Config
	gate  *access.Gate
	ready chan struct{}
	addr  net.Addr
}

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Dir == "" {
		return nil, errors.New("controlplane: no data folder is given")
	}
	if cfg.Heartbeat < 0 || cfg.StreamLife < 0 {
		return nil, errors.New("controlplane: Heartbeat and StreamLife cannot be negative")
	}
	if n := len(cfg.SigningKey); n != 0 && n != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("controlplane: the signing key has %d bytes, an Ed25519 private key has %d", n, ed25519.PrivateKeySize)
	}
	tokens := make([]access.Token, 0, len(cfg.Tokens))
	for _, t := range cfg.Tokens {
		tokens = append(tokens, access.Token{Name: t.Name, Role: access.Role(t.Role), Secret: t.Secret})
	}
	gate, err := access.New(tokens)
	if err != nil {
		return nil, fmt.Errorf("controlplane: %w", err)
	}
	if cfg.Listen == "" {
		cfg.Listen = DefaultListen
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = DefaultHeartbeat
	}
	if cfg.StreamLife == 0 {
		cfg.StreamLife = DefaultStreamLife
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, gate: gate, ready: make(chan struct{})}, nil
}

// Ready is closed when the server listens and its state is loaded; Addr is known from then on.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.addr }

// Run serves until ctx ends, then ends streams, lets requests finish and closes the store. Being told to stop is no error.
func (s *Server) Run(ctx context.Context) error {
	listener, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	s.addr = listener.Addr()
	st, err := store.Open(ctx, store.Config{Dir: s.cfg.Dir, Logger: s.cfg.Logger})
	if err != nil {
		return errors.Join(fmt.Errorf("controlplane: %w", err), listener.Close())
	}
	err = s.serve(ctx, listener, st)
	return errors.Join(err, st.Close())
}

func (s *Server) serve(parent context.Context, listener net.Listener, st *store.Store) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	view, err := st.View(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("controlplane: read the store: %w", err), listener.Close())
	}
	hub := stream.New(stream.Config{
		Heartbeat: s.cfg.Heartbeat, StreamLife: s.cfg.StreamLife, SigningKey: s.cfg.SigningKey, Version: s.cfg.Version, Logger: s.cfg.Logger,
	})
	hub.Publish(view)
	var watch sync.WaitGroup
	watch.Go(func() { _ = st.Follow(ctx, view, hub.Publish) }) // ends with ctx alone
	server := s.httpServer(st, hub)
	failed := make(chan error, 1)
	go func() {
		if s.cfg.TLS != nil {
			failed <- server.ServeTLS(listener, "", "")
		} else {
			failed <- server.Serve(listener)
		}
	}()
	s.cfg.Logger.Info("control plane listening", "address", s.addr.String(), "documents", len(view.Documents), "commands", len(view.Commands))
	close(s.ready)
	select {
	case <-ctx.Done():
	case err = <-failed:
		failed <- http.ErrServerClosed
	case err = <-st.Failed():
	}
	hub.Close()
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer done()
	if server.Shutdown(stop) != nil {
		err = errors.Join(err, server.Close()) // what did not end in time is cut
	}
	if serr := <-failed; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	cancel()
	watch.Wait()
	hub.Wait()
	if err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	return nil
}

func (s *Server) httpServer(st *store.Store, hub *stream.Hub) *http.Server {
	mux := http.NewServeMux()
	path, follow := weirv1connect.NewControlServiceHandler(hub, connect.WithReadMaxBytes(maxSidecarMessage))
	mux.Handle(path, s.authorised(follow))
	mux.Handle("/", rest.New(rest.Config{Store: st, Fleet: hub, Gate: s.gate, Logger: s.cfg.Logger}))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(s.cfg.TLS == nil)
	return &http.Server{
		Handler: mux, Protocols: protocols, TLSConfig: s.cfg.TLS, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: 64 << 10,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
}

var errToken = errors.New("the bearer token is missing or unknown")

// authorised lets sidecars and admins follow.
func (s *Server) authorised(next http.Handler) http.Handler {
	refusals := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.gate.Check(r.Header); !ok {
			_ = refusals.Write(w, r, connect.NewError(connect.CodeUnauthenticated, errToken)) // the caller went away
			return
		}
		next.ServeHTTP(w, r)
	})
}

package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	_ "embed"

	"github.com/weirproxy/weir/bench/internal/gql"
)

//go:embed schema.graphql
var schema string

// Schema returns the service's schema in SDL, directives included.
func Schema() string { return schema }

// Server is the origin. Start may follow Stop: it listens on the same address again with its data as it was.
type Server struct {
	engine   *gql.Engine
	faults   faults
	counters counters
	persist  persisted
	handler  http.Handler

	mu      sync.Mutex
	address string // after the first Start: with the real port
	server  *http.Server
	done    chan error
}

// New builds an origin that will listen on address (host:port; port 0 takes a free one).
func New(address string) (*Server, error) {
	world, err := newStore()
	if err != nil {
		return nil, err
	}
	engine, err := gql.New("schema.graphql", schema, world.resolvers(), nil, typeOf)
	if err != nil {
		return nil, err
	}
	s := &Server{engine: engine, address: address, persist: persisted{documents: map[string]string{}}}
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", s.serveGraphQL)
	mux.HandleFunc("/sse", serveEvents)
	mux.HandleFunc("/upload", serveUpload)
	mux.HandleFunc("/chunked", serveChunked)
	mux.HandleFunc("/_origin/faults", s.serveFaults)
	mux.HandleFunc("/_origin/counters", s.serveCounters)
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s.handler = mux
	return s, nil
}

// Handler returns the service without a listener, for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// Start listens and serves until Stop.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return errors.New("origin: already started")
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("origin: %w", err)
	}
	s.address = l.Addr().String()
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: 30 * time.Second}
	s.done = make(chan error, 1)
	go func(server *http.Server, done chan<- error) { done <- server.Serve(l) }(s.server, s.done)
	return nil
}

// Stop closes the listener and every connection, as a killed process would.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return nil
	}
	err := s.server.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	s.server = nil
	return err
}

// Address is host:port, the real port after the first Start.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// URL is the address of the GraphQL endpoint's server.
func (s *Server) URL() string { return "http://" + s.Address() }

// Counts returns how often each operation was executed, by kind and first root field ("query.city").
func (s *Server) Counts() map[string]int64 { return s.counters.snapshot() }

// SetFaults replaces the active faults.
func (s *Server) SetFaults(f Faults) { s.faults.set(f) }

func serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	interval, count := milliseconds(r, "interval_ms", 20), number(r, "count", 5)
	for i := range count {
		if i > 0 && !pause(r.Context(), interval) {
			return
		}
		fmt.Fprintf(w, "id: %d\ndata: {\"tick\":%d}\n\n", i, i)
		if control.Flush() != nil {
			return
		}
	}
}

func serveUpload(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"bytes\":%d}\n", n)
}

func serveChunked(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Trailer", "Origin-Chunks")
	control := http.NewResponseController(w)
	interval, count := milliseconds(r, "interval_ms", 0), number(r, "count", 5)
	for i := range count {
		if i > 0 && !pause(r.Context(), interval) {
			return
		}
		fmt.Fprintf(w, "chunk %d\n", i)
		if control.Flush() != nil {
			return
		}
	}
	w.Header().Set("Origin-Chunks", fmt.Sprint(count))
}

// pause waits; false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

package origin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	_ "embed"

	"github.com/weirproxy/weir/bench/internal/gql"
	"github.com/weirproxy/weir/bench/internal/origin/burn"
	"github.com/weirproxy/weir/bench/internal/origin/draw"
	"github.com/weirproxy/weir/bench/internal/origin/fault"
	"github.com/weirproxy/weir/bench/internal/origin/generated"
)

//go:embed schema.graphql
var schema string

// Schema returns the schema of the GeoNames service in SDL, directives included.
func Schema() string { return schema }

// Server is the origin. Start may follow Stop: it listens on the same address again with its data as it was.
type Server struct {
	spec    Spec
	engine  *gql.Engine
	schema  string
	cities  *store       // nil with a generated schema
	dropped func() int64 // events lost to slow subscribers
	burn    burn.Plan
	size    draw.Distribution
	faults  faults
	truth   ledger
	persist persisted
	handler http.Handler
	network string

	governing sync.Mutex // held while the door is brought to what the rules say

	mu      sync.Mutex
	address string // after the first Start: with the real port
	door    *door
	server  *http.Server
	done    chan error
	player  *fault.Player
	life    context.Context // of everything that streams; ends at Stop
	kill    context.CancelFunc
	leaving context.Context // ends when streams should end in order
	leave   context.CancelFunc
	streams *sync.WaitGroup
	started bool // once
}

// New builds an origin that will listen on address (host:port; port 0 takes a free one).
func New(address string) (*Server, error) { return Open(Spec{Listen: address}) }

// engineOf compiles the schema that the spec asks for.
func engineOf(s *Spec) (e *gql.Engine, sdl string, w *store, dropped func() int64, err error) {
	if s.Generate != "" {
		o, err := generated.ParseOptions(s.Generate, s.Seed)
		if err != nil {
			return nil, "", nil, nil, err
		}
		world := generated.New(o)
		sdl = world.SDL()
		e, err = gql.New("generated.graphql", sdl, world.Resolvers(), world.Sources(), generated.TypeOf)
		return e, sdl, nil, world.Dropped, err
	}
	world, err := newStore(s.Seed)
	if err != nil {
		return nil, "", nil, nil, err
	}
	e, err = gql.New("schema.graphql", schema, world.resolvers(), world.sources(), typeOf)
	return e, schema, world, world.populations.Dropped, err
}

// SetLag lets a city that is asked for by its id show what it was so long ago, as a read of a replica does that lags behind the writes; 0: what it is. It is for
// the GeoNames service, and up to a minute.
func (s *Server) SetLag(d time.Duration) {
	if s.cities != nil {
		s.cities.lag.Store(int64(min(d, maxLag)))
	}
}

// Handler returns the service without a listener, for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// Schema returns the schema that is served, in SDL.
func (s *Server) Schema() string { return s.schema }

// revive makes the server ready to serve. The caller holds the lock or is alone.
func (s *Server) revive() {
	s.player = fault.NewPlayer()
	s.life, s.kill = context.WithCancel(context.Background())
	s.leaving, s.leave = context.WithCancel(s.life)
	s.streams = new(sync.WaitGroup)
}

// Start listens and serves until Stop. Schedules count from the first Start.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return errors.New("origin: already started")
	}
	d, err := open(s.network, s.address)
	if err != nil {
		return fmt.Errorf("origin: %w", err)
	}
	s.door, s.address = d, d.Addr().String()
	if s.life.Err() != nil {
		s.revive()
	}
	if !s.started { // what was in force since New is so from now on
		s.started = true
		c, err := s.conditions(s.faults.current().given, time.Now())
		if err != nil {
			return errors.Join(err, d.Close())
		}
		s.faults.set(c)
	}
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: 30 * time.Second, ConnState: d.seen, ConnContext: withConn}
	s.done = make(chan error, 1)
	life := s.life
	go func(server *http.Server, done chan<- error) {
		var refusing sync.WaitGroup
		refusing.Go(func() { s.refuse(life, d) })
		err := server.Serve(d)
		refusing.Wait()
		done <- err
	}(s.server, s.done)
	return nil
}

// Stop closes the listener and every connection, as a killed process would.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop()
}

func (s *Server) stop() error {
	if s.server == nil {
		return nil
	}
	s.kill()
	s.player.Close()
	err := s.server.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	s.streams.Wait()
	s.server = nil
	return err
}

// Drain stops in order: no new connections, streams are told, requests under way are answered; what is left when ctx ends is closed.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	server, streams := s.server, s.streams
	if server == nil {
		s.mu.Unlock()
		return nil
	}
	s.leave()
	s.mu.Unlock()            // requests under way need it
	s.player.Close()         // a stalled answer would never end
	_ = server.Shutdown(ctx) // what it did not wait for is closed below
	over := make(chan struct{})
	go func() {
		streams.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
	err := s.Stop()
	<-over
	return err
}

// streaming registers one stream; done must be called at its end. ok is false when the server has stopped.
func (s *Server) streaming() (life, leaving context.Context, done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving.Err() != nil {
		return nil, nil, nil, false
	}
	s.streams.Add(1)
	return s.life, s.leaving, s.streams.Done, true
}

// refuse closes and opens the door as the rules in force say, until the server's life ends.
func (s *Server) refuse(life context.Context, d *door) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		c, next, changes := s.govern(d)
		var due <-chan time.Time
		if changes {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-due:
		case <-c.ended:
		case <-life.Done():
			return
		}
	}
}

// govern brings the door to what the rules in force say now, and tells when that may change.
func (s *Server) govern(d *door) (c *conditions, next time.Time, changes bool) {
	s.governing.Lock()
	defer s.governing.Unlock()
	c = s.faults.current()
	refused, next, changes := c.plan.Refused(time.Now())
	if refused && d.shut() {
		s.truth.fault(string(fault.Refuse), "")
	}
	if !refused && !d.unlock() { // somebody else has the address: try again soon
		next, changes = time.Now().Add(100*time.Millisecond), true
	}
	return c, next, changes
}

// connKey carries the connection of a request.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// spare lets the request's connection live through a refusal that begins at once, and closes it after the answer.
func (s *Server) spare(w http.ResponseWriter, r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		return
	}
	s.mu.Lock()
	d := s.door
	s.mu.Unlock()
	d.spare(c)
	w.Header().Set("Connection", "close")
}

// Address is host:port, the real port after the first Start; or the path of the socket.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// URL is the address of the GraphQL endpoint's server: http://HOST:PORT or unix:PATH.
func (s *Server) URL() string {
	if s.network == "unix" {
		return "unix:" + s.Address()
	}
	return "http://" + s.Address()
}

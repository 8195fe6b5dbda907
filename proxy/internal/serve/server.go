package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/listen"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// Config sets up a Server. Line, Policy and Dial are needed.
type Config struct {
	Line   Stages // of a request: a *line.Line
	Policy func() *policy.Policy
	// Dial connects to a destination as a listener names it.
	Dial func(ctx context.Context, destination string) (net.Conn, error)
	// MaxConnections bounds client connections; more are answered with 503. Default 10,000.
	MaxConnections int
	// MaxHead bounds a message's head in bytes. Default 64 KiB.
	MaxHead int
	// DetectWait is how long to wait for a client's first byte before the upstream is dialled all the same, for protocols in which
	// the server speaks first. Default 300 ms.
	DetectWait time.Duration
	// Refreshers is how many entries may be refreshed in the background at a time. Default 4.
	Refreshers int
	// MemoryLimit is what the ladder of pressure measures against, bytes. Default: the Go memory limit; without one no ladder.
	MemoryLimit int64
	Logger      *slog.Logger
}

// Server owns the client connections of all listeners.
type Server struct {
	cfg       Config
	line      Stages
	logger    *slog.Logger
	stats     counters
	clock     atomic.Int64  // coarse unix ns, for deadlines
	resting   atomic.Bool   // the clock does, as nothing happens; see now
	busy      chan struct{} // the rest has ended
	pressure  atomic.Int32
	draining  atomic.Bool
	refreshes chan *refresh
	spares    spares
	breakers  breaker.Set
	// Connections share what only a request under way needs: what was used last is in the processor's cache, and an idle connection
	// keeps little.
	exchanges, lendable sync.Pool

	ctx  context.Context // ends when connections must
	stop context.CancelFunc
	end  chan struct{} // closed when draining begins

	mu        sync.Mutex
	conns     map[*conn]struct{}
	listeners map[listen.Listener]struct{}
	idle      chan struct{} // closed when draining and no connection is left
	work      sync.WaitGroup
}

// New returns a server without listeners.
func New(cfg Config) *Server {
	setDefault(&cfg.MaxConnections, 10_000)
	setDefault(&cfg.MaxHead, 64<<10)
	setDefault(&cfg.DetectWait, 300*time.Millisecond)
	setDefault(&cfg.Refreshers, 4)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, line: cfg.Line, logger: cfg.Logger, conns: map[*conn]struct{}{},
		listeners: map[listen.Listener]struct{}{}, refreshes: make(chan *refresh, 64), idle: make(chan struct{}),
		busy: make(chan struct{}, 1), end: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.exchanges.New = func() any { return new(line.Exchange) }
	s.lendable.New = func() any { return new(lent) }
	s.clock.Store(time.Now().UnixNano())
	s.work.Go(s.watch)
	for range cfg.Refreshers {
		s.work.Go(s.refresher)
	}
	return s
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Serve accepts connections from l until Drain or Close; then it returns nil. The server closes l.
func (s *Server) Serve(l listen.Listener) error {
	s.mu.Lock()
	if s.draining.Load() {
		s.mu.Unlock()
		return l.Close()
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	pause := time.Duration(0)
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.accept(c)
			continue
		case s.draining.Load() || errors.Is(err, net.ErrClosed):
			return nil
		}
		// Out of descriptors, most likely: existing connections go on, new ones wait in the kernel.
		s.stats.acceptErrors.Add(1)
		if pause = min(max(2*pause, 5*time.Millisecond), time.Second); pause == 5*time.Millisecond {
			s.logger.Warn("cannot accept connections", "error", err)
		}
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return nil
		}
	}
}

func (s *Server) accept(accepted listen.Conn) {
	s.stats.accepted.Add(1)
	s.mu.Lock()
	full := len(s.conns) >= s.cfg.MaxConnections || s.pressure.Load() >= pressureRefuse
	if full || s.draining.Load() {
		s.mu.Unlock()
		s.stats.refusedConnections.Add(1)
		s.turnAway(accepted.Conn, s.whyNot())
		return
	}
	c := newConn(s, accepted)
	s.conns[c] = struct{}{}
	s.work.Add(1)
	s.mu.Unlock()
	go c.run()
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	last := s.draining.Load() && len(s.conns) == 0
	s.mu.Unlock()
	if last {
		s.signalIdle()
	}
	s.work.Done()
}

func (s *Server) signalIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.idle:
	default:
		close(s.idle)
	}
}

// Drain stops accepting, lets each connection finish the requests it has begun, and closes idle ones. It returns when no connection is
// left, or closes the rest and returns ctx's error when ctx ends. The server cannot be used again.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining.Swap(true) {
		close(s.end)
	}
	for l := range s.listeners {
		l.Close()
	}
	none := len(s.conns) == 0
	for c := range s.conns {
		c.drain()
	}
	s.mu.Unlock()
	if none {
		s.signalIdle()
	}
	var err error
	select {
	case <-s.idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.stop()
	s.mu.Lock()
	for c := range s.conns {
		c.abort()
	}
	s.mu.Unlock()
	s.work.Wait()
	s.spares.close()
	return err
}

// Draining reports whether Drain has begun.
func (s *Server) Draining() bool { return s.draining.Load() }

// Close ends everything at once.
func (s *Server) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Drain(ctx)
}

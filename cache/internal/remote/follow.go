package remote

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// followLimit is how long the log's reader waits for an answer, beside what it asks the server to wait.
const followLimit = time.Second

// follower is the client of the goroutine that follows the log, which makes one call after the other. It writes and reads itself: the client for all others
// passes each call on to a goroutine that writes and each answer to one that reads, and each of the two wakes a thread of a sidecar that has nothing else to do.
// The price is that a call cannot be given up by its context, which a goroutine would have to watch; close gives up all.
type follower struct {
	rueidis.Client
	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
}

// follow connects a follower.
func (l *Link) follow() (*follower, error) {
	f := &follower{open: map[net.Conn]bool{}}
	o := l.options()
	o.AlwaysPipelining, o.PipelineMultiplex = false, -1 // one connection, as there is one caller
	o.Dialer.KeepAlive = -1                             // no PINGs: there is a call each second
	o.ConnWriteTimeout = followLimit + longestBlock
	o.ReadBufferEachConn, o.WriteBufferEachConn = 64<<10, 16<<10
	o.DialCtxFn = f.dial
	var err error
	f.Client, err = rueidis.NewClient(o)
	return f, err
}

func (f *follower) dial(ctx context.Context, address string, d *net.Dialer, secure *tls.Config) (net.Conn, error) {
	c, err := dial(ctx, address, d, secure)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	f.open[c] = true
	return &followed{c, f}, nil
}

// close ends all calls and connections, and there will be no others.
func (f *follower) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.open {
		_ = c.Close()
	}
}

// followed is a connection that its follower can close.
type followed struct {
	net.Conn
	f *follower
}

// Close implements net.Conn.
func (c *followed) Close() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	delete(c.f.open, c.Conn)
	return c.Conn.Close()
}

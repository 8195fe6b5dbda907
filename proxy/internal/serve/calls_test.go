package serve

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/listen"
)

// calls counts what a connection is asked for.
type calls struct{ reads, writes, other atomic.Int64 }

type countedListener struct {
	listen.Listener
	n *calls
}

func (l countedListener) Accept() (listen.Conn, error) {
	c, err := l.Listener.Accept()
	c.Conn = &countedConn{c.Conn, l.n}
	return c, err
}

type countedConn struct {
	net.Conn
	n *calls
}

func (c *countedConn) Read(b []byte) (int, error) { c.n.reads.Add(1); return c.Conn.Read(b) }

func (c *countedConn) Write(b []byte) (int, error) { c.n.writes.Add(1); return c.Conn.Write(b) }

func (c *countedConn) SetDeadline(t time.Time) error { c.n.other.Add(1); return c.Conn.SetDeadline(t) }

func (c *countedConn) SetReadDeadline(t time.Time) error {
	c.n.other.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c *countedConn) SetWriteDeadline(t time.Time) error {
	c.n.other.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

// A request that comes in one piece costs one read and one write of the client's connection, as many of the upstream's when it is relayed,
// and no timer.
func TestHotRequestsReadOnceAndWriteOnce(t *testing.T) {
	const n = 500
	for _, h := range hot {
		t.Run(h.name, func(t *testing.T) {
			var down, up calls
			r := newRig(t)
			r.listen = func(l listen.Listener) listen.Listener { return countedListener{l, &down} }
			dial := r.config.Dial
			r.config.Dial = func(ctx context.Context, destination string) (net.Conn, error) {
				c, err := dial(ctx, destination)
				if err != nil {
					return nil, err
				}
				return &countedConn{c, &up}, nil
			}
			r.start(startRawOrigin(t, h.end, message(h.body)))
			k := r.rawClient(h.request, h.body)
			seen := func(c *calls) [3]int64 { return [3]int64{c.reads.Load(), c.writes.Load(), c.other.Load()} }
			once := func() {
				if err := k.once(); err != nil {
					t.Fatal(err)
				}
			}
			for range 10 {
				once()
			}
			waitFor(t, func() bool { return down.reads.Load() >= 11 }) // the last one waits
			downBefore, upBefore := seen(&down), seen(&up)
			for range n {
				once()
			}
			waitFor(t, func() bool { return down.reads.Load() >= downBefore[0]+n })
			want := [3]int64{n, n, 0}
			if got := less(seen(&down), downBefore); got != want {
				t.Errorf("%v reads, writes and timers of the client's connection, want %v", got, want)
			}
			if h.hit {
				want = [3]int64{}
			}
			waitFor(t, func() bool { return up.reads.Load() >= upBefore[0]+want[0] })
			if got := less(seen(&up), upBefore); got != want {
				t.Errorf("%v reads, writes and timers of the upstream's connection, want %v", got, want)
			}
		})
	}
}

func less(a, b [3]int64) [3]int64 { return [3]int64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

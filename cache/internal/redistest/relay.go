package redistest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Relay passes TCP connections on to a server, each piece of an answer after a delay.
type Relay struct {
	Addr  string
	to    atomic.Pointer[string]
	delay atomic.Int64
	cut   atomic.Bool
	l     net.Listener
	mu    sync.Mutex
	conns map[net.Conn]bool
	work  sync.WaitGroup
}

// NewRelay starts a relay to an address. It ends with the test.
func NewRelay(t testing.TB, to string) *Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{Addr: l.Addr().String(), l: l, conns: map[net.Conn]bool{}}
	r.to.Store(&to)
	r.work.Go(r.accept)
	t.Cleanup(func() {
		r.Cut()
		_ = l.Close()
		r.work.Wait()
	})
	return r
}

// Delay holds each piece of an answer back for d.
func (r *Relay) Delay(d time.Duration) { r.delay.Store(int64(d)) }

// Cut closes all connections and refuses new ones; Mend accepts them again.
func (r *Relay) Cut() {
	r.cut.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

// Turn leads connections made from now on to another server, as a failover does; those that are open end.
func (r *Relay) Turn(to string) {
	r.Cut()
	r.to.Store(&to)
	r.Mend()
}

// Mend accepts connections again.
func (r *Relay) Mend() { r.cut.Store(false) }

func (r *Relay) accept() {
	for {
		in, err := r.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", *r.to.Load())
		if err != nil || !r.keep(in, out) {
			_ = in.Close()
			if out != nil {
				_ = out.Close()
			}
			continue
		}
		r.work.Go(func() { r.pass(out, in, false) })
		r.work.Go(func() { r.pass(in, out, true) })
	}
}

func (r *Relay) keep(cs ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut.Load() {
		return false
	}
	for _, c := range cs {
		r.conns[c] = true
	}
	return true
}

func (r *Relay) pass(to, from net.Conn, slow bool) {
	defer func() {
		_, _ = to.Close(), from.Close()
		r.mu.Lock()
		delete(r.conns, from)
		r.mu.Unlock()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if d := r.delay.Load(); slow && d > 0 {
			<-time.After(time.Duration(d))
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

package coherence

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// relay stands between one sidecar and Redis: it can send to another server, cut, and make the answers late.
type relay struct {
	l     net.Listener
	to    atomic.Pointer[string]
	delay atomic.Int64
	cut   atomic.Bool
	mu    sync.Mutex
	conns map[net.Conn]bool
	work  sync.WaitGroup
}

func newRelay(host, to string) (*relay, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	r := &relay{l: l, conns: map[net.Conn]bool{}}
	r.to.Store(&to)
	r.work.Go(r.accept)
	return r, nil
}

func (r *relay) address() string { return r.l.Addr().String() }

func (r *relay) stop() error {
	err := r.l.Close()
	r.cut.Store(true)
	r.drop()
	r.work.Wait()
	return err
}

// drop closes all connections; new ones are made.
func (r *relay) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

// turn sends to another server from now on.
func (r *relay) turn(to string) {
	r.to.Store(&to)
	r.drop()
}

func (r *relay) accept() {
	for {
		in, err := r.l.Accept()
		if err != nil {
			return
		}
		out, err := net.DialTimeout("tcp", *r.to.Load(), time.Second)
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

func (r *relay) keep(cs ...net.Conn) bool {
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

// piece is what was read, and when it may go on.
type piece struct {
	data []byte
	due  time.Time
}

// pass copies; late holds each piece back, without holding those behind it back longer.
func (r *relay) pass(to, from net.Conn, late bool) {
	pieces := make(chan piece, 1024)
	var writing sync.WaitGroup
	writing.Go(func() {
		failed := false
		for p := range pieces {
			if d := time.Until(p.due); d > 0 {
				time.Sleep(d)
			}
			if !failed {
				_, err := to.Write(p.data)
				failed = err != nil
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p := piece{data: append([]byte(nil), buf[:n]...)}
			if d := r.delay.Load(); late && d > 0 {
				p.due = time.Now().Add(time.Duration(d))
			}
			pieces <- p
		}
		if err != nil {
			break
		}
	}
	close(pieces)
	writing.Wait()
	_, _ = to.Close(), from.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, from)
}

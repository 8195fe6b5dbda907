package origin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
)

// unixPath is the path of an address such as unix:PATH.
func unixPath(listen string) (string, bool) { return strings.CutPrefix(listen, "unix:") }

// door is a listener that can be closed, so that connections are refused, and opened again at the same address without its server noticing.
type door struct {
	network, address string

	mu       sync.Mutex
	changed  *sync.Cond
	listener net.Listener // nil while shut
	closed   bool
	conns    map[net.Conn]bool // those that are reset when the door is shut
}

func open(network, address string) (*door, error) {
	d := &door{network: network, address: address, conns: map[net.Conn]bool{}}
	d.changed = sync.NewCond(&d.mu)
	l, err := d.listen()
	if err != nil {
		return nil, err
	}
	d.listener, d.address = l, l.Addr().String() // the same port when it is opened again
	return d, nil
}

// listen also takes over a socket file that a killed process left.
func (d *door) listen() (net.Listener, error) {
	l, err := net.Listen(d.network, d.address)
	if d.network != "unix" || !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	if c, dialled := net.Dial("unix", d.address); dialled == nil {
		_ = c.Close()
		return nil, fmt.Errorf("%s: somebody listens there: choose another path", d.address)
	}
	if info, found := os.Lstat(d.address); found != nil || info.Mode()&os.ModeSocket == 0 {
		return nil, err
	}
	if err := os.Remove(d.address); err != nil {
		return nil, err
	}
	return net.Listen(d.network, d.address)
}

// Accept waits for a connection, also while the door is shut.
func (d *door) Accept() (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		for d.listener == nil && !d.closed {
			d.changed.Wait()
		}
		if d.closed {
			return nil, net.ErrClosed
		}
		l := d.listener
		d.mu.Unlock()
		c, err := l.Accept()
		d.mu.Lock()
		if err == nil && l != d.listener { // accepted while the door was shut
			abort(c)
			continue
		}
		if err == nil || l == d.listener {
			return c, err
		}
	}
}

// shut refuses connections and resets those there are; false when it was shut already.
func (d *door) shut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil || d.closed {
		return false
	}
	_ = d.listener.Close() // closed for good either way
	d.listener = nil
	for c := range d.conns {
		abort(c)
	}
	return true
}

// unlock listens again; false when the address is not to be had.
func (d *door) unlock() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil || d.closed {
		return true
	}
	l, err := d.listen()
	if err != nil {
		return false
	}
	d.listener = l
	d.changed.Broadcast()
	return true
}

// seen follows the server's connections.
func (d *door) seen(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateNew:
		d.conns[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(d.conns, c)
	}
}

// spare keeps a connection from being reset: it carries the answer to the request that shuts the door.
func (d *door) spare(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

// Close ends the listener for good.
func (d *door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	d.changed.Broadcast()
	if d.listener == nil {
		return nil
	}
	return d.listener.Close()
}

// Addr is where it listens or will listen again.
func (d *door) Addr() net.Addr {
	if d.network == "unix" {
		return &net.UnixAddr{Name: d.address, Net: "unix"}
	}
	a, err := net.ResolveTCPAddr(d.network, d.address)
	if err != nil {
		return &net.TCPAddr{}
	}
	return a
}

// abort closes a connection with a reset where the network knows one.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

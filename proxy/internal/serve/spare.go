package serve

import (
	"net"
	"sync"
	"time"
)

// What may rest. The oldest of all makes room for another one, whatever its destination: with transparent listeners there may be many.
const (
	maxSpares = 64
	spareRest = 30 * time.Second
)

// spares are connections to upstreams that rest between two fetches of our own. It is safe for concurrent use; relayed requests do not ask it.
type spares struct {
	mu   sync.Mutex
	rest []resting // by the time of their last use
	shut bool
}

type resting struct {
	net.Conn
	destination string
	used        time.Time
}

// take returns the connection to the destination that was used last, nil when none rests that is worth a try: one that has something to read has
// ended, or says what nobody asked for.
func (p *spares) take(destination string, now time.Time) net.Conn {
	for {
		k := p.pick(destination)
		if k.Conn == nil {
			return nil
		}
		if now.Sub(k.used) < spareRest && !unread(bare(k.Conn)) {
			return k.Conn
		}
		k.Close()
	}
}

func (p *spares) pick(destination string) (k resting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.rest) - 1; i >= 0; i-- {
		if p.rest[i].destination == destination {
			k = p.rest[i]
			p.remove(i)
			return k
		}
	}
	return resting{}
}

func (p *spares) remove(i int) {
	n := copy(p.rest[i:], p.rest[i+1:])
	p.rest[i+n] = resting{}
	p.rest = p.rest[:i+n]
}

// give takes a connection over on which nothing is due.
func (p *spares) give(destination string, c net.Conn, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		c.Close()
		return
	}
	if len(p.rest) == maxSpares {
		hangUp(p.rest[0].Conn)
		p.remove(0)
	}
	p.rest = append(p.rest, resting{c, destination, now})
}

// sweep closes what has rested for too long, or has ended.
func (p *spares) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 0; i < len(p.rest); {
		k := p.rest[i]
		if now.Sub(k.used) < spareRest && !unread(bare(k.Conn)) {
			i++
			continue
		}
		p.remove(i)
		hangUp(k.Conn)
	}
}

// close closes all, and from now on what is given.
func (p *spares) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for _, k := range p.rest {
		k.Close()
	}
	p.rest = nil
}

// bare is the connection below TLS, if there is one: the end is seen there, too.
func bare(c net.Conn) net.Conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return c
}

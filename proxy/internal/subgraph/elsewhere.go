package subgraph

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// knownFor is how long the addresses of a host are remembered.
const knownFor = 30 * time.Second

// places are the addresses of a client's host.
type places struct {
	mu    sync.Mutex
	asked time.Time
	known []string
}

// addresses returns those of the host, none when it is an address itself. A failed look-up is remembered, too: the host can be dialled all the same.
func (c *Client) addresses(ctx context.Context, host string) []string {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	p, now := &c.places, time.Now()
	p.mu.Lock()
	known, fresh := p.known, !p.asked.IsZero() && now.Sub(p.asked) < knownFor
	p.mu.Unlock()
	if fresh {
		return known
	}
	known, _ = c.cfg.Resolve(ctx, host)
	p.mu.Lock()
	p.asked, p.known = now, known
	p.mu.Unlock()
	return known
}

// elsewhere returns a connection to another address of the host than from, where it has one: one that rests, or a new one. Where it has one
// address, that may stand for many servers, and any other connection is as good.
func (c *Client) elsewhere(ctx context.Context, from string) (k *conn, reused bool, err error) {
	host, port, _ := net.SplitHostPort(c.address)
	others := slices.DeleteFunc(slices.Clone(c.addresses(ctx, host)), func(a string) bool { return a == from })
	if k = c.takeBut(from, len(others) > 0, time.Now()); k != nil {
		return k, true, nil
	}
	address := c.address
	if len(others) > 0 {
		address = net.JoinHostPort(others[rand.IntN(len(others))], port)
	}
	k, err = c.dial(ctx, address)
	return k, false, err
}

// takeBut returns a connection that rests, to another address than from if it has to be.
func (c *Client) takeBut(from string, has bool, now time.Time) *conn {
	if !has {
		return c.take(now)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.idle) - 1; i >= 0; i-- {
		if k := c.idle[i]; now.Sub(k.used) < c.cfg.Idle && addressOf(k) != from {
			c.idle = slices.Delete(c.idle, i, i+1)
			return k
		}
	}
	return nil
}

// addressOf returns the address of the other end, without port.
func addressOf(k *conn) string {
	host, _, err := net.SplitHostPort(k.RemoteAddr().String())
	if err != nil {
		return ""
	}
	return host
}

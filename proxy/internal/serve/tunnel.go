package serve

import (
	"context"
	"errors"
	"io"
	"net"
)

// direction of bytes in a connection that is copied.
type direction uint8

const (
	upward direction = iota
	downward
)

// openTunnel looks whether an upgraded connection carries GraphQL.
func (c *conn) openTunnel(u *upstream) {
	failed := false
	defer c.s.guard("tunnel", &failed)
	c.tunnel = c.s.line.Tunnel(&u.head)
}

// observe shows bytes to the tunnel before they are passed on. A panic costs that direction its insight.
func (c *conn) observe(d direction, b []byte) {
	if c.tunnel == nil || c.blindTo[d].Load() || len(b) == 0 {
		return
	}
	failed := true
	defer func() { c.blindTo[d].Store(failed) }()
	defer c.s.guard("tunnel", &failed)
	if d == upward {
		c.tunnel.Up(c.s.ctx, b)
	} else {
		c.tunnel.Down(c.s.ctx, b)
	}
	failed = false
}

// copy copies one direction until its end.
func (c *conn) copy(to, from net.Conn, d direction) error {
	if c.tunnel == nil {
		_, err := io.Copy(to, from) // within the kernel where it can be
		return err
	}
	b := make([]byte, relayInput)
	for {
		n, err := from.Read(b)
		if n > 0 {
			c.observe(d, b[:n])
			if _, err := to.Write(b[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// closeTunnel settles what is left when a direction that matters has ended. It may be called again.
func (c *conn) closeTunnel() {
	if c.tunnel == nil {
		return
	}
	failed := false
	defer c.s.guard("tunnel", &failed)
	ctx, cancel := context.WithTimeout(context.Background(), goneLimit)
	defer cancel()
	c.tunnel.Close(ctx)
}

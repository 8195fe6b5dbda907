//go:build !linux

package serve

import "net"

// outlet writes to a connection.
type outlet struct{ net.Conn }

func newOutlet(c net.Conn) *outlet { return &outlet{c} }

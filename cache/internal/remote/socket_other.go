//go:build !linux

package remote

import "net"

func direct(c net.Conn) net.Conn { return c }

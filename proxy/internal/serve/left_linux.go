package serve

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// left reports whether a client whose answer is being made has closed its connection, or at least its half of it: what it sent before was
// read. It takes nothing from the connection, and does not wait.
func left(c net.Conn) (gone bool) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err == unix.ECONNRESET || err == unix.EPIPE
	})
	return gone
}

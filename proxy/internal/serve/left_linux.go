package serve

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// left reports whether a client whose answer is being made has closed its connection, or at least its half of it: what it sent before was
// read. It takes nothing from the connection, and does not wait.
func left(c net.Conn) bool {
	n, err := peek(c)
	return n == 0 && err == nil || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
}

// unread reports whether there is something to read: bytes, or the end.
func unread(c net.Conn) bool {
	_, err := peek(c)
	return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
}

func peek(c net.Conn) (n int, err error) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return 0, unix.EAGAIN
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, unix.EAGAIN
	}
	if closed := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err = unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	}); closed != nil {
		return 0, unix.EAGAIN
	}
	return n, err
}

package remote

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is a TCP connection whose calls Go's scheduler is not told of: they do not block. Of a call that it knows of and that takes longer than 20 µs, as the
// writing of a pipeline does, the scheduler thinks that it does: it wakes every 20 µs to look, and hands the processor to another thread. Where there is one
// processor that was a tenth of a miss.
type socket struct {
	net.Conn // closes, and keeps the deadlines
	raw      syscall.RawConn
}

// limitSilence is the Control of a net.Dialer: what was sent has to be acknowledged within vanished (TCP_USER_TIMEOUT, tcp(7)).
func limitSilence(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanished/time.Millisecond))
	})
	return errors.Join(err, os.NewSyscallError("setsockopt", failed))
}

// direct returns a connection that reads and writes as c does, with less ado where it can.
func direct(c net.Conn) net.Conn {
	if t, ok := c.(*net.TCPConn); ok {
		if raw, err := t.SyscallConn(); err == nil {
			return &socket{Conn: c, raw: raw}
		}
	}
	return c
}

// Read implements net.Conn.
func (s *socket) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var failed syscall.Errno
	err = s.raw.Read(func(fd uintptr) bool {
		var again bool
		n, again, failed = transfer(unix.SYS_RECVFROM, fd, b, unix.MSG_DONTWAIT)
		return !again
	})
	switch {
	case err == nil && failed != 0:
		err = os.NewSyscallError("recvfrom", failed)
	case err == nil && n == 0:
		err = io.EOF
	}
	return n, err
}

// Write implements net.Conn.
func (s *socket) Write(b []byte) (n int, err error) {
	var failed syscall.Errno
	err = s.raw.Write(func(fd uintptr) bool {
		for n < len(b) && failed == 0 {
			var sent int
			var again bool
			if sent, again, failed = transfer(unix.SYS_SENDTO, fd, b[n:], unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); again {
				return false
			}
			n += sent
		}
		return true
	})
	if err == nil && failed != 0 {
		err = os.NewSyscallError("sendto", failed)
	}
	return n, err
}

// transfer calls the kernel once; again tells that there is nothing to read, or no room to write.
func transfer(call, fd uintptr, b []byte, flags uintptr) (n int, again bool, failed syscall.Errno) {
	for {
		r, _, errno := syscall.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			return int(r), false, 0
		case unix.EAGAIN:
			return 0, true, 0
		case unix.EINTR:
		default:
			return 0, false, errno
		}
	}
}

package serve

import (
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outlet writes to a connection for a little less than net.Conn takes: a socket that does not block is no reason to tell the scheduler of the call
// and to ask it again afterwards, which is 45 of the 300 ns of the shortest system call. One goroutine at a time writes.
type outlet struct {
	conn net.Conn
	raw  syscall.RawConn // nil: conn is of a kind without a socket, and writes itself
	rest []byte
	err  syscall.Errno
	push func(fd uintptr) bool // kept: a closure for each write would be an allocation
}

func newOutlet(c net.Conn) *outlet {
	o := &outlet{conn: c}
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		if raw, err := c.(syscall.Conn).SyscallConn(); err == nil {
			o.raw, o.push = raw, o.pushRest
		}
	}
	return o
}

// Write implements io.Writer as net.Conn does, deadlines included.
func (o *outlet) Write(b []byte) (int, error) {
	if o.raw == nil || len(b) == 0 {
		return o.conn.Write(b)
	}
	o.rest, o.err = b, 0
	err := o.raw.Write(o.push)
	n := len(b) - len(o.rest)
	o.rest = nil
	if err == nil && o.err != 0 {
		err = os.NewSyscallError("sendto", o.err)
	}
	return n, err
}

// pushRest writes until all is written or the socket is full; false waits until there is room.
func (o *outlet) pushRest(fd uintptr) bool {
	for len(o.rest) > 0 {
		n, _, err := syscall.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(o.rest))), uintptr(len(o.rest)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch err {
		case 0:
			o.rest = o.rest[n:]
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default:
			o.err = err
			return true
		}
	}
	return true
}

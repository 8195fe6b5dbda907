package serve

import (
	"encoding/binary"
	"io"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// feed reads a TCP connection without asking in vain. net.Conn costs two system calls for each message: it tries to read before it waits,
// and finds nothing. A feed waits first, for as long as its owner wants more: one call of RawConn.Read lasts over many messages, because
// only its beginning may forget what the poller, which is edge-triggered, has told meanwhile. Whether something is left behind what was
// read, be it only the end of the stream, the kernel tells with the bytes (TCP_INQ, tcp(7)); after that there is a new edge.
//
// A Unix socket tells nothing of the kind. There a feed is blind: it takes what came with room to spare for all that there was, which is right but for an
// end that came together with the bytes before it, and for bytes behind a file descriptor. Somebody has to look after it while it waits (conn.lookAfter).
//
// While a feed runs nothing else can read the connection. The scheduler is not told of its calls, as of those of an outlet: they do not block.
type feed struct {
	raw     syscall.RawConn
	blind   bool
	part    unix.Iovec
	message unix.Msghdr
	control [24]byte // one message of four bytes
}

// newFeed returns the feed of a connection, nil when there is none for its kind.
func newFeed(c net.Conn) *feed {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_INQ, 1) }); e != nil || err != nil {
		return nil
	}
	return &feed{raw: raw}
}

// newClientFeed returns the feed of a client's connection, which for a Unix socket is blind. An upstream has none such: its end must be seen at once, or
// the next request would go to where nobody reads.
func newClientFeed(c net.Conn) *feed {
	t, ok := c.(*net.UnixConn)
	if !ok {
		return newFeed(c)
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	return &feed{raw: raw, blind: true}
}

// run reads into what room returns and tells each how many bytes came, or why none did, until that returns false. Its error is that of a
// wait: a deadline has passed, or the connection was closed.
func (f *feed) run(room func() []byte, each func(n int, err error) bool) error {
	return f.raw.Read(func(fd uintptr) (done bool) {
		for {
			n, more, err := f.read(fd, room())
			switch {
			case err == unix.EAGAIN:
				return false
			case err == unix.EINTR:
				continue
			case err != 0:
				each(0, err)
				return true
			case n == 0:
				each(0, io.EOF)
				return true
			}
			if !each(n, nil) {
				return true
			}
			if !more {
				return false
			}
		}
	})
}

// read reads once; more is false when nothing is left to read, not even the end of the stream.
func (f *feed) read(fd uintptr, b []byte) (n int, more bool, err syscall.Errno) {
	if f.blind {
		r, _, err := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
		if err != 0 {
			return 0, false, err
		}
		return int(r), int(r) == len(b), 0
	}
	f.part.Base = unsafe.SliceData(b)
	f.part.SetLen(len(b))
	f.message.Iov, f.message.Iovlen = &f.part, 1
	f.message.Control = &f.control[0]
	f.message.SetControllen(len(f.control))
	r, _, err := syscall.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&f.message)), unix.MSG_DONTWAIT)
	f.part.Base = nil
	if err != 0 {
		return 0, false, err
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&f.control))
	if f.message.Controllen < unix.SizeofCmsghdr+4 || h.Level != unix.IPPROTO_TCP || h.Type != unix.TCP_CM_INQ {
		return int(r), true, 0 // the kernel did not tell
	}
	return int(r), binary.NativeEndian.Uint32(f.control[unix.SizeofCmsghdr:]) != 0, 0
}

// isBlind reports whether there is a feed, and a blind one.
func (f *feed) isBlind() bool { return f != nil && f.blind }

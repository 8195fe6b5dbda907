package load

import (
	"fmt"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// address is a target's address, resolved. It belongs to one thread: connecting writes to it.
type address struct {
	family int
	to     unix.Sockaddr
}

// clone is the same address for another thread.
func (a address) clone() address {
	switch to := a.to.(type) {
	case *unix.SockaddrInet4:
		a.to = &unix.SockaddrInet4{Port: to.Port, Addr: to.Addr}
	case *unix.SockaddrInet6:
		a.to = &unix.SockaddrInet6{Port: to.Port, Addr: to.Addr}
	case *unix.SockaddrUnix:
		a.to = &unix.SockaddrUnix{Name: to.Name}
	}
	return a
}

func resolve(t *Target) (address, error) {
	if t.Network == "unix" {
		return address{unix.AF_UNIX, &unix.SockaddrUnix{Name: t.Address}}, nil
	}
	a, err := net.ResolveTCPAddr("tcp", t.Address)
	if err != nil {
		return address{}, fmt.Errorf("target %s: %w", t.Address, err)
	}
	if ip := a.IP.To4(); ip != nil || len(a.IP) == 0 {
		to := &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte{127, 0, 0, 1}}
		copy(to.Addr[:], ip)
		return address{unix.AF_INET, to}, nil
	}
	to := &unix.SockaddrInet6{Port: a.Port}
	copy(to.Addr[:], a.IP.To16())
	return address{unix.AF_INET6, to}, nil
}

// dial starts a connection that does not block; done: it is there already.
func (a address) dial() (fd int, done bool, err error) {
	fd, err = unix.Socket(a.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, false, err
	}
	if a.family != unix.AF_UNIX {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			_ = unix.Close(fd) // it was never used
			return -1, false, err
		}
	}
	switch err := unix.Connect(fd, a.to); err {
	case nil:
		return fd, true, nil
	case unix.EINPROGRESS:
		return fd, false, nil
	default:
		_ = unix.Close(fd) // it was never connected
		return -1, false, err
	}
}

// connected is what became of a connection that was in progress.
func connected(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if code != 0 {
		return unix.Errno(code)
	}
	return nil
}

// poller is an epoll instance. Events are level-triggered.
type poller struct {
	fd     int
	events []unix.EpollEvent
	coarse bool // the kernel has no epoll_pwait2 (before 5.11): waiting is exact to the millisecond
}

const pollBatch = 256

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{fd: fd, events: make([]unix.EpollEvent, pollBatch)}, nil
}

func (p *poller) close() { _ = unix.Close(p.fd) } // nothing is lost with it

// watch registers fd, or changes what is waited for; index and generation come back with each event.
func (p *poller) watch(fd, op int, events uint32, index, generation int32) error {
	return unix.EpollCtl(p.fd, op, fd, &unix.EpollEvent{Events: events, Fd: index, Pad: generation})
}

// wait blocks until something happens, at most for d; d below 0: without a limit. The events are valid until the next call.
func (p *poller) wait(d time.Duration) ([]unix.EpollEvent, error) {
	if !p.coarse {
		var limit *unix.Timespec
		if d >= 0 {
			ts := unix.NsecToTimespec(d.Nanoseconds())
			limit = &ts
		}
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)),
			uintptr(unsafe.Pointer(limit)), 0, 0)
		switch errno {
		case 0:
			return p.events[:n], nil
		case unix.EINTR:
			return nil, nil
		case unix.ENOSYS, unix.EPERM: // some container runtimes forbid what they do not know
			p.coarse = true
		default:
			return nil, errno
		}
	}
	ms := -1
	if d >= 0 {
		ms = int(d.Milliseconds()) // rounded down: it returns early and is asked again
	}
	n, err := unix.EpollWait(p.fd, p.events, ms)
	if err == unix.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.events[:n], nil
}

// threadTime is the processor time of the calling thread.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0 // not on Linux; the share then shows as 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// exactTimers lowers the slack of the calling thread's timers from 50 µs to 1 ns; restore puts it back. What it cannot do shows in Lateness.
func exactTimers() (restore func()) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) } // 0: the default
}

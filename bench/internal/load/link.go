package load

import (
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// state of a link.
type state uint8

const (
	closed state = iota
	connecting
	idle // connected, nothing under way
	busy // a request is under way
)

// link is one keep-alive connection of a thread. It waits for nothing: the thread calls it when its socket is ready.
type link struct {
	index      int32
	generation int32 // of the socket: events of an earlier one are ignored
	target     int
	fd         int
	state      state
	writing    bool // waits until it can go on writing
	used       bool // has answered on this socket
	retried    bool // the request under way was sent again after a close while idle

	due, sent time.Time // of the request under way, or the last one
	operation int
	excused   bool
	retryAt   time.Time // closed, in a closed loop: not before

	request []byte
	written int
	in      []byte // everything received of the answer under way
	res     response

	prev, next int32 // in the thread's list of busy links, in the order they were sent; none: -1
}

const none = -1

const readBytes = 16 << 10

// send writes what is left of the request; more: it has to wait until the socket can take the rest.
func (l *link) send() (more bool, err error) {
	for l.written < len(l.request) {
		n, err := unix.Write(l.fd, l.request[l.written:])
		if err == unix.EAGAIN {
			return true, nil
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false, err
		}
		l.written += n
	}
	return false, nil
}

// receive reads what is there; n and done are of the answer, as response.feed has them.
func (l *link) receive() (n int, done bool, err error) {
	for {
		if cap(l.in)-len(l.in) < readBytes/4 {
			l.in = append(l.in, make([]byte, max(readBytes, len(l.in)))...)[:len(l.in)]
		}
		free := l.in[len(l.in):cap(l.in)]
		got, err := unix.Read(l.fd, free)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, false, nil
		case err != nil:
			return 0, false, err
		case got == 0:
			if n, done, err = l.res.feed(l.in, true); err != nil || done {
				return n, done, err
			}
			if len(l.in) == 0 {
				return 0, false, io.EOF
			}
			return 0, false, io.ErrUnexpectedEOF
		}
		l.in = l.in[:len(l.in)+got]
		n, done, err = l.res.feed(l.in, false)
		if err == nil && !done && got == len(free) {
			continue // there is more
		}
		return n, done, err
	}
}

// stale reports whether err is the close of an idle connection that the server decided on while the request was on its way: it may be sent again once.
func (l *link) stale(err error) bool {
	return l.used && !l.retried && len(l.in) == 0 &&
		(errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE))
}

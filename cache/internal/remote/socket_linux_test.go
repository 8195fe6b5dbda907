package remote

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair returns both ends of a connection over loopback; the first is direct.
func pair(t *testing.T) (ours net.Conn, peer *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	if ours = direct(dialled); ours == dialled {
		t.Fatal("a TCP connection is used as it is")
	}
	return ours, accepted.(*net.TCPConn)
}

// More than the buffers of both sides hold has to wait for room, and for what comes back.
func TestSocketWritesAndReadsAll(t *testing.T) {
	ours, peer := pair(t)
	sent := make([]byte, 16<<20)
	for i := range sent {
		sent[i] = byte(i * 7 >> 3)
	}
	echoed := make(chan error, 1)
	go func() {
		_, err := io.Copy(peer, peer)
		echoed <- errors.Join(err, peer.CloseWrite())
	}()
	wrote := make(chan error, 1)
	go func() {
		n, err := ours.Write(sent)
		if err == nil && n != len(sent) {
			err = io.ErrShortWrite
		}
		wrote <- errors.Join(err, ours.(*socket).Conn.(*net.TCPConn).CloseWrite())
	}()
	got, err := io.ReadAll(ours) // to the end that the other side makes
	if err := errors.Join(err, <-wrote, <-echoed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes came back, or others", len(got), len(sent))
	}
	if n, err := ours.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing gives %d, %v", n, err)
	}
}

func TestSocketObeysDeadlinesAndClose(t *testing.T) {
	ours, _ := pair(t)
	if err := ours.SetDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading for too long: %v", err)
	}
	if n, err := ours.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n == 64<<20 {
		t.Errorf("writing for too long: %d bytes, %v", n, err)
	}
	if err := ours.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := ours.Read(make([]byte, 1))
		ended <- err
	}()
	if err := ours.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading what was closed: %v", err)
	}
	if _, err := ours.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing to what was closed: %v", err)
	}
}

// A peer that vanishes is found by the kernel.
func TestConnectionsEndWhenNothingIsAcknowledged(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := New(Config{Addresses: []string{l.Addr().String()}}).options()
	c, err := o.DialCtxFn(t.Context(), l.Addr().String(), &o.Dialer, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, option := range []struct {
		name, want int
	}{{unix.TCP_USER_TIMEOUT, 5000}, {unix.TCP_KEEPIDLE, 5}, {unix.TCP_KEEPINTVL, 5}} {
		var got int
		if err := errors.Join(c.(*socket).raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option.name) }), err); err != nil || got != option.want {
			t.Errorf("option %d is %d, want %d (%v)", option.name, got, option.want, err)
		}
	}
}

func TestSocketTellsOfAReset(t *testing.T) {
	ours, peer := pair(t)
	if err := errors.Join(peer.SetLinger(0), peer.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reading after a reset: %v", err)
	}
	if _, err := ours.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing after a reset: %v", err)
	}
}

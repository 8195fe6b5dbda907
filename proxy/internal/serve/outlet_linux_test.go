package serve

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// pairOf returns both ends of a connection over the network.
func pairOf(t *testing.T, network string) (a, b net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestOutletWritesAsAConnectionDoes(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			a, b := pairOf(t, network)
			o := newOutlet(a)
			if o.raw == nil {
				t.Fatal("it has no socket")
			}
			// Much more than a socket takes at once: the writer waits for the reader many times.
			text := make([]byte, 32<<20)
			for i := range text {
				text[i] = byte(i * 2654435761 >> 13)
			}
			sum := make(chan [32]byte, 1)
			go func() {
				got, _ := io.ReadAll(io.LimitReader(b, int64(len(text))))
				sum <- sha256.Sum256(got)
			}()
			if n, err := o.Write(text); n != len(text) || err != nil {
				t.Fatalf("%d of %d bytes: %v", n, len(text), err)
			}
			if got := <-sum; got != sha256.Sum256(text) {
				t.Error("other bytes came")
			}
			if n, err := o.Write(nil); n != 0 || err != nil {
				t.Errorf("nothing: %d, %v", n, err)
			}

			// Nobody reads: the deadline ends the write, and tells how much went out.
			_ = a.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			n, err := o.Write(text)
			if !errors.Is(err, os.ErrDeadlineExceeded) || n <= 0 || n >= len(text) {
				t.Errorf("past the deadline: %d bytes, %v", n, err)
			}
			_ = a.SetWriteDeadline(time.Time{})
			if got, _ := io.CopyN(io.Discard, b, int64(n)); got != int64(n) {
				t.Errorf("%d of %d bytes came", got, n)
			}

			// The peer is gone. A signal would end the test.
			b.Close()
			for i := 0; err == nil || errors.Is(err, os.ErrDeadlineExceeded); i++ {
				if _, err = o.Write([]byte("x")); i == 1000 {
					t.Fatal("nobody is told that the peer is gone")
				}
				time.Sleep(time.Millisecond) // until the reset is here
			}
			if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the peer is gone: %v", err)
			}
			a.Close()
			if _, err := o.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		})
	}
}

func TestOutletOfWhatIsNoSocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	got := make([]byte, 5)
	done := make(chan error, 1)
	go func() { _, err := io.ReadFull(b, got); done <- err }()
	if n, err := newOutlet(a).Write([]byte("hello")); n != 5 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if err := <-done; err != nil || !bytes.Equal(got, []byte("hello")) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOutletAllocatesNothing(t *testing.T) {
	a, b := pairOf(t, "tcp")
	o, text, into := newOutlet(a), []byte("hello"), make([]byte, 5)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := o.Write(text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(b, into); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

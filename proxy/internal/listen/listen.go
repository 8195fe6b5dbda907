package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// Conn is an accepted connection.
type Conn struct {
	net.Conn
	// Destination is the address to dial for this client, in the form Listener documents.
	Destination string
}

// Listener accepts connections.
type Listener interface {
	Accept() (Conn, error)
	Close() error
	// Address is where clients connect: HOST:PORT or unix:PATH.
	Address() string
}

// explicit is a listener that clients connect to by its own address.
type explicit struct {
	inner       net.Listener
	destination string
	path        string // of a Unix socket
}

// Open listens on address, HOST:PORT or unix:PATH; each connection gets destination. A Unix socket left behind by a process that is
// gone is replaced; one that still answers, or a file of another kind, is an error.
func Open(address, destination string) (Listener, error) {
	path, unix := strings.CutPrefix(address, "unix:")
	if !unix {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", address, cure(err))
		}
		return &explicit{inner: l, destination: destination}, nil
	}
	if err := removeDeadSocket(path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, cure(err))
	}
	return &explicit{inner: l, destination: destination, path: path}, nil
}

func (e *explicit) Accept() (Conn, error) {
	c, err := e.inner.Accept()
	return Conn{Conn: c, Destination: e.destination}, err
}

func (e *explicit) Close() error { return e.inner.Close() }

func (e *explicit) Address() string {
	if e.path != "" {
		return "unix:" + e.path
	}
	return e.inner.Addr().String()
}

func removeDeadSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return errors.New("the file exists and is not a socket; choose another path")
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return errors.New("another process listens there; stop it or choose another path")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

func cure(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; stop the process that listens there or choose another address", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; choose a port above 1023 or a folder this user may write", err)
	}
	return err
}

package oracle

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// RunMany opens n connections at the same time. The origin answers none before it has the requests of all: a sidecar that limits the
// connections to its upstream, or queues for them, gets stuck or answers by itself (row 2.2 upstream limit).
func RunMany(t *testing.T, start Dialer, n int) {
	t.Helper()
	if err := many(start, n, Patience); err != nil {
		t.Error(err)
	}
}

func many(start Dialer, n int, patience time.Duration) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address, stop, err := start(l.Addr().String())
	if err != nil {
		l.Close()
		return err
	}
	deadline := time.Now().Add(patience)
	var all, origins sync.WaitGroup
	var requests sync.WaitGroup // those the origin does not have yet
	requests.Add(n)
	faults := make(chan error, 2*n)
	origins.Go(func() {
		for range n {
			c, err := l.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					faults <- err
				}
				requests.Done()
				continue
			}
			origins.Go(func() { faults <- answerLate(c, &requests, deadline) })
		}
	})
	for range n {
		all.Go(func() { faults <- ask(address, deadline) })
	}
	all.Wait()
	l.Close()
	origins.Wait()
	stop()
	close(faults)
	var first error
	count := 0
	for err := range faults {
		if err != nil {
			count++
			first = errors.Join(first, err)
			if count == 3 {
				break
			}
		}
	}
	return first
}

func answerLate(c net.Conn, requests *sync.WaitGroup, deadline time.Time) error {
	defer c.Close()
	_ = c.SetDeadline(deadline)
	_, err := io.ReadFull(c, make([]byte, len(get)))
	requests.Done()
	if err != nil {
		return fmt.Errorf("origin: %w", err)
	}
	requests.Wait()
	_, err = io.WriteString(c, ok)
	return err
}

func ask(address string, deadline time.Time) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(deadline)
	if _, err := io.WriteString(c, get); err != nil {
		return err
	}
	b, err := io.ReadAll(c)
	if err != nil || string(b) != ok {
		return fmt.Errorf("client: %q %w", b, err)
	}
	return nil
}

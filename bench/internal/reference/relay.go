package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// relay copies bytes between each connection of l and one of its own to the upstream, both ways, until ctx ends. It is the floor of a proxy: between two TCP
// connections io.Copy hands the work to splice, and no byte enters this process.
func relay(ctx context.Context, l net.Listener, upstream string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closed := context.AfterFunc(ctx, func() { l.Close() })
	defer closed()
	var open sync.WaitGroup
	defer open.Wait()
	defer cancel() // before the wait
	for {
		client, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("reference: relay: %w", err)
		}
		open.Go(func() { _ = splice(ctx, client, upstream) }) // what broke the connection both ends have seen
	}
}

// splice serves one connection and closes both sides at its end. It takes two goroutines, one a direction.
func splice(ctx context.Context, client net.Conn, upstream string) error {
	server, err := new(net.Dialer).DialContext(ctx, "tcp", upstream)
	if err != nil {
		return errors.Join(err, client.Close())
	}
	end := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	defer end()
	back := make(chan error, 1)
	go func() { back <- oneWay(client, server) }()
	return errors.Join(oneWay(server, client), <-back, client.Close(), server.Close())
}

// oneWay copies until from ends and passes that on.
func oneWay(to, from net.Conn) error {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		err = errors.Join(err, half.CloseWrite())
	}
	if err != nil {
		// The other direction would wait for a peer that is gone.
		return errors.Join(err, to.Close(), from.Close())
	}
	return nil
}

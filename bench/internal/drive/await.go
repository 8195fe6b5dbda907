package drive

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/load"
)

const awaitPoll = 50 * time.Millisecond

// await waits until all targets accept connections, as long as the configuration says.
func (d *driver) await(ctx context.Context) error {
	if d.cfg.Await == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, d.cfg.Await)
	defer cancel()
	for i := range d.cfg.Load.Targets {
		if err := d.accepts(limited, &d.cfg.Load.Targets[i]); err != nil {
			return &Error{ExitUnreachable, err}
		}
	}
	return nil
}

func (d *driver) accepts(ctx context.Context, t *load.Target) error {
	var why error
	for {
		conn, err := new(net.Dialer).DialContext(ctx, t.Network, t.Address)
		if err == nil {
			return conn.Close()
		}
		if why == nil && !d.cfg.Quiet {
			d.screen.Say("waiting for %s %s to accept connections, %s at most", t.Network, t.Address, d.cfg.Await)
		}
		if why == nil || ctx.Err() == nil { // what the end of the wait did to the last try says nothing
			why = err
			var inner *net.OpError
			if errors.As(err, &inner) {
				why = inner.Err // the address is said already
			}
		}
		if lapse.Wait(ctx, awaitPoll) != nil {
			return fmt.Errorf("waited for it: %w", &load.UnreachableError{Target: *t, Err: why})
		}
	}
}

package remote

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/codec"
)

const (
	// erasePage is about how many keys Redis looks at in one call: that takes it well below a millisecond.
	erasePage = 500
	// eraseRate bounds how many keys are looked at per second, over all servers, so that erasing leaves Redis to its other users.
	eraseRate = 50_000
)

// Erased says what an erasure has done.
type Erased struct {
	Scanned, Erased uint64
}

// Erase deletes all values of a tenant. It looks at every key of the namespace, at a bounded rate, for a value says itself whose it is: no
// index has to be kept, or can be lost. Keys that are written while it runs may stay.
func (v *Values) Erase(ctx context.Context, t *codec.Tenant) (done Erased, err error) {
	c := v.link.get()
	if c == nil {
		return done, ErrDown
	}
	for address, node := range c.Nodes() {
		role, err := node.Do(ctx, node.B().Info().Section("replication").Build()).ToString()
		if err != nil {
			v.link.trouble.note("erasing", err)
			return done, fmt.Errorf("erasing at %s: %w", address, err)
		}
		if infoLine(role, "role") == "slave" { // its master has the same keys
			continue
		}
		if err := v.eraseAt(ctx, c, node, t, &done); err != nil {
			v.link.trouble.note("erasing", err)
			return done, fmt.Errorf("erasing at %s: %w", address, err)
		}
	}
	return done, nil
}

func (v *Values) eraseAt(ctx context.Context, c, node rueidis.Client, t *codec.Tenant, done *Erased) error {
	pattern := globs.ReplaceAllString(v.prefix, `\$0`) + "*"
	for cursor := uint64(0); ; {
		begun := time.Now()
		page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(erasePage).Build()).AsScanEntry()
		if err != nil {
			return err
		}
		if err := v.erasePage(ctx, c, page.Elements, t, done); err != nil {
			return err
		}
		if cursor = page.Cursor; cursor == 0 {
			return nil
		}
		if !wait(ctx, time.Second*erasePage/eraseRate-time.Since(begun)) {
			return ctx.Err()
		}
	}
}

func (v *Values) erasePage(ctx context.Context, c rueidis.Client, names []string, t *codec.Tenant, done *Erased) error {
	if len(names) == 0 {
		return nil
	}
	done.Scanned += uint64(len(names))
	cmds := make(rueidis.Commands, 0, len(names))
	for _, name := range names {
		cmds = append(cmds, c.B().Getrange().Key(name).Start(0).End(int64(codec.HeadLen)-1).Build())
	}
	var owned rueidis.Commands
	for i, r := range c.DoMulti(ctx, cmds...) {
		head, err := r.ToString()
		if err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE") {
			continue
		}
		if err != nil {
			return err
		}
		if t.Owns([]byte(head)) {
			owned = append(owned, c.B().Unlink().Key(names[i]).Build())
		}
	}
	if len(owned) == 0 {
		return nil
	}
	for _, r := range c.DoMulti(ctx, owned...) {
		n, err := r.AsInt64()
		if err != nil {
			return err
		}
		done.Erased += uint64(n)
	}
	return nil
}

// wait reports whether ctx is still running after d.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

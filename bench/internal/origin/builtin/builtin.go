package builtin

import (
	"context"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/gql"
	"github.com/weirproxy/weir/bench/internal/origin/draw"
)

const (
	maxPadding = 64 << 20
	maxPeriod  = int64(time.Hour / time.Millisecond)
	sentAtForm = "2006-01-02T15:04:05.000000000Z07:00"
)

// InputError is an error of the caller's making; its code goes to extensions.code.
type InputError string

func (e InputError) Error() string { return string(e) }

// Code is that of every error of the caller's making.
func (InputError) Code() string { return "BAD_USER_INPUT" }

// Padding resolves padding(bytes: Int!): String!.
func Padding(seed uint64) gql.Resolver {
	return func(_ context.Context, c *gql.Call) (any, error) {
		n, _ := c.Args["bytes"].(int64)
		if n < 0 || n > maxPadding {
			return nil, InputError(fmt.Sprintf("bytes must be between 0 and %d, not %d", maxPadding, n))
		}
		text := make([]byte, n)
		draw.Text(text, draw.Stream(seed, "padding"))
		return string(text), nil
	}
}

// tick is one event of the clock.
type tick struct {
	n      int64
	sentAt time.Time
}

// TickResolvers resolve the fields of Tick.
func TickResolvers() map[string]gql.Resolver {
	return map[string]gql.Resolver{
		"n": func(_ context.Context, c *gql.Call) (any, error) { return c.Parent.(tick).n, nil },
		"sentAt": func(_ context.Context, c *gql.Call) (any, error) {
			return c.Parent.(tick).sentAt.UTC().Format(sentAtForm), nil
		},
	}
}

// Tick is the source of tick(everyMs: Int!, count: Int): Tick!. The n-th event is due n periods after the start, however long the one before took.
func Tick(ctx context.Context, c *gql.Call) (<-chan any, error) {
	every, _ := c.Args["everyMs"].(int64)
	count, bounded := c.Args["count"].(int64)
	if every < 0 || every > maxPeriod || bounded && count < 0 {
		return nil, InputError(fmt.Sprintf("everyMs must be between 0 and %d, count not negative", maxPeriod))
	}
	if every == 0 && !bounded {
		return nil, InputError("everyMs 0 never ends by itself: give a count")
	}
	events, period := make(chan any), time.Duration(every)*time.Millisecond
	go func() {
		defer close(events)
		begin, timer := time.Now(), time.NewTimer(0)
		defer timer.Stop()
		for n := int64(1); !bounded || n <= count; n++ {
			timer.Reset(time.Until(begin.Add(time.Duration(n) * period)))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			select {
			case events <- tick{n, time.Now()}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}

package cache

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// Whoever reads the counters waits for nobody: not while all that asks Redis hangs there.
func TestStatsDoNotWaitForRedis(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server.Addr, func(c *Config) {
		c.ReadBudget, c.AppendBudget, c.WriteBudget, c.DisconnectedAfter = time.Minute, time.Minute, time.Minute, time.Hour
	})
	connected(t, s)
	calls := []func(context.Context){
		func(ctx context.Context) { s.Lookup(ctx, keyOf("absent"), nowNS(), Wait{}).Fill.Abandon(0) },
		func(ctx context.Context) {
			_, _ = s.Invalidate(ctx, Invalidation{Tags: []string{"City"}}, nowNS())
			_ = s.AwaitLogged(ctx)
		},
		func(ctx context.Context) { s.AwaitFleet(ctx, time.Minute) },
		func(ctx context.Context) { _, _ = s.Fleet(ctx) },
		func(ctx context.Context) { _, _ = s.Erase(ctx, "acme", nowNS()) },
	}
	redistest.Until(t, "all counters are read while all calls hang", redistest.Patience, func() bool {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		server.Freeze()
		var work sync.WaitGroup
		var begun, ended atomic.Int64
		for _, call := range calls {
			work.Go(func() {
				begun.Add(1)
				call(ctx)
				ended.Add(1)
			})
		}
		reads := 0
		for at := time.Now(); reads < 1000 || time.Since(at) < 100*time.Millisecond || int(begun.Load()) < len(calls); reads++ {
			s.Stats()
		}
		hung := len(calls) - int(ended.Load())
		t.Logf("%d reads while %d of %d calls hung", reads, hung, len(calls))
		cancel()
		server.Thaw()
		work.Wait()
		return hung == len(calls)
	})
}

// stuck is a log whose reader hangs at a line with certain words, until the end.
type stuck struct {
	at      string
	writing chan struct{}
	end     chan struct{}
	once    sync.Once
}

func (l *stuck) Write(b []byte) (int, error) {
	if strings.Contains(string(b), l.at) {
		l.once.Do(func() { close(l.writing) })
		<-l.end
	}
	return len(b), nil
}

// A log whose reader hangs may hold up what is to be told, but not whoever reads the counters, nor an invalidation.
func TestStatsDoNotWaitForTheReaderOfTheLog(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "weir", "on", ">x", "~*", "&*", "+@all")
	log := &stuck{at: "may not do", writing: make(chan struct{}), end: make(chan struct{})}
	s := join(t, server.Addr, func(c *Config) {
		c.RedisUsername, c.RedisPassword, c.AppendBudget = "weir", "x", time.Millisecond
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	t.Cleanup(func() { close(log.end) })
	connected(t, s)
	server.Do("ACL", "SETUSER", "weir", "-xadd")
	invalidate(t, s, Invalidation{Tags: []string{"City"}}, nowNS())
	<-log.writing
	read := make(chan Stats)
	go func() {
		invalidate(t, s, Invalidation{Tags: []string{"City"}}, nowNS())
		read <- s.Stats()
	}()
	select {
	case st := <-read:
		if len(st.Trouble) != 1 || st.Trouble[0] != "acl" {
			t.Errorf("troubles %v", st.Trouble)
		}
	case <-time.After(redistest.Patience):
		t.Fatal("the counters wait for the reader of the log")
	}
}

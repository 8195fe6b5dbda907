package cache

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// A server, or a way to it, that is set up wrongly gives one line with the cure, which is not repeated while it lasts, and the cache works on
// without it or with what works.
func TestRedisSetUpWronglyIsToldOnceWithItsCure(t *testing.T) {
	ca, other := redistest.NewAuthority(t), redistest.NewAuthority(t)
	plain := func(args ...string) func(t *testing.T) []string {
		return func(t *testing.T) []string { return []string{redistest.Start(t, args...).Addr} }
	}
	secure := func(t *testing.T) []string { return []string{redistest.StartTLS(t, ca).Addr} }
	for _, c := range []struct {
		what   string
		server func(t *testing.T) []string
		change func(*Config)
		kind   string // of trouble
		cure   string
	}{
		{"a policy that may drop the log", plain("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"), nil, "eviction", "volatile-lru"},
		{"a bound and nothing to drop", plain("--maxmemory", "64mb", "--maxmemory-policy", "noeviction"), nil, "no_eviction", "volatile-lru"},
		{"a full server", plain("--maxmemory", "1mb", "--maxmemory-policy", "noeviction"), nil, "full", "raise maxmemory"},
		{"a read-only replica", func(t *testing.T) []string {
			master := redistest.Start(t)
			replica := redistest.Start(t, "--replicaof", "127.0.0.1", master.Port())
			redistest.Until(t, "the replica follows", redistest.Patience, func() bool {
				return strings.Contains(strings.Join(replica.List("INFO", "replication"), ""), "master_link_status:up")
			})
			return []string{replica.Addr}
		}, nil, "read_only", "address of the master"},
		{
			"a wrong password", func(t *testing.T) []string { return []string{redistest.StartACL(t, "weir on >right ~* +@all").Addr} },
			func(c *Config) { c.RedisUsername, c.RedisPassword = "weir", "wrong" }, "auth", "correct redis_username and redis_password",
		},
		{"no password where one is wanted", plain("--requirepass", "secret"), nil, "auth", "set redis_password"},
		{
			"a user without rights", func(t *testing.T) []string {
				return []string{redistest.StartACL(t, "weir on >right ~* +@all -xadd -set").Addr}
			},
			func(c *Config) { c.RedisUsername, c.RedisPassword = "weir", "right" }, "acl", RedisRights("weir", false),
		},
		{
			"a user without the keys", func(t *testing.T) []string {
				return []string{redistest.StartACL(t, "weir on >right ~other:* +@all").Addr}
			},
			func(c *Config) { c.RedisUsername, c.RedisPassword = "weir", "right" }, "acl", "~weir:* ~{weir}:*",
		},
		{"one node of a cluster", func(t *testing.T) []string { return []string{redistest.StartCluster(t, 3).Nodes[0].Addr} }, nil, "is_cluster", "redis_cluster: true"},
		{"a server taken for a cluster", func(t *testing.T) []string { return []string{redistest.Start(t).Addr, redistest.Start(t).Addr} }, nil, "no_cluster", "give one address"},
		{"TLS to a plain server", plain(), func(c *Config) { c.RedisTLS = ca.Client() }, "plain", "remove redis_tls"},
		{"plain to a TLS server", secure, nil, "wants_tls", "add redis_tls"},
		{"another authority", secure, func(c *Config) { c.RedisTLS = other.Client() }, "certificate", "ca must hold"},
		{"another name", secure, func(c *Config) { c.RedisTLS = ca.Client(); c.RedisTLS.ServerName = "elsewhere.test" }, "certificate", "server_name be a name in it"},
		{"no certificate shown", secure, func(c *Config) { c.RedisTLS = ca.Client(); c.RedisTLS.Certificates = nil }, "certificate", "what the server wants of clients"},
		{"a database that is not there", plain(), func(c *Config) { c.RedisDB = 99 }, "database", "correct redis_db"},
		{
			"an unknown master", func(t *testing.T) []string { return []string{redistest.StartWatched(t).Sentinel.Addr} },
			func(c *Config) { c.RedisMaster = "nobody" }, "no_master", "correct redis_master",
		},
		{"a Sentinel taken for a server", func(t *testing.T) []string { return []string{redistest.StartWatched(t).Sentinel.Addr} }, nil, "is_sentinel", "set redis_master"},
	} {
		t.Run(c.what, func(t *testing.T) {
			log := &lineLog{}
			addresses := c.server(t)
			s := join(t, "", func(cfg *Config) {
				cfg.Redis, cfg.Logger, cfg.AppendBudget = addresses, slog.New(slog.NewTextHandler(log, nil)), time.Millisecond
				cfg.ReadBudget = 100 * time.Millisecond
				if c.change != nil {
					c.change(cfg)
				}
			})
			n, kept := 0, 0
			use := func() {
				n++
				key := fmt.Sprint("k", n)
				r := s.Lookup(context.Background(), keyOf(key), nowNS(), Wait{})
				if r.Fill == nil {
					t.Fatalf("a request does not go on: %+v", r)
				}
				if r.Fill.Complete(draft("body", "City"), nowNS()) == nil {
					return // a log of another generation was met meanwhile
				}
				if _, state := s.Get(keyOf(key), nowNS()); state != Fresh {
					return // the same
				}
				kept++
				invalidate(t, s, Invalidation{Tags: []string{"City"}}, nowNS())
				want(t, s, key, nowNS(), Miss)
			}
			redistest.Until(t, "it is told", redistest.Patience, func() bool {
				use()
				return slices.Contains(s.Stats().Trouble, c.kind)
			})
			until := time.Now().Add(1200 * time.Millisecond)
			redistest.Until(t, "more than two attempts to connect", redistest.Patience, func() bool {
				use()
				return time.Now().After(until)
			})
			if kept < n/2 {
				t.Errorf("%d of %d answers were kept", kept, n)
			}
			told := 0
			for _, line := range log.with(c.cure) {
				if strings.Contains(line, "cure=") {
					told++
				}
			}
			all := log.with("")
			if told != 1 {
				t.Errorf("told %d times:\n%s", told, all)
			}
			if len(all) > 6 {
				t.Errorf("%d lines:\n%s", len(all), all)
			}
		})
	}
}

// Every command of the documented rights is needed: without it Redis refuses something.
func TestEachRightIsNeededAndNoneIsMissing(t *testing.T) {
	erased := uint64(0)
	scenario := func(t *testing.T, rights string) (denied []string) {
		server := redistest.StartACL(t, "weir on >secret "+rights)
		server.Must("XGROUP", "CREATE", "{weir}:inv", "generation 7 another", "$", "MKSTREAM")
		server.Must("HSET", "{weir}:fleet", "dead", "7 1-0 1000 10000 dead") // to be forgotten
		quick := func(c *Config) {
			c.RedisUsername, c.RedisPassword, c.AppendBudget = "weir", "secret", 50*time.Millisecond
			c.ReadBudget, c.WriteBudget = 200*time.Millisecond, 50*time.Millisecond
		}
		a, b := join(t, server.Addr, quick), join(t, server.Addr, quick)
		done := func() bool {
			names := server.List("ACL", "LOG")
			for i := range names {
				if names[i] == "object" {
					denied = append(denied, names[i+1])
				}
			}
			return len(denied) > 0
		}
		works := false
		redistest.Until(t, "all works or something is refused", redistest.Patience, func() bool {
			if done() {
				return true
			}
			if !works && a.Connected() && b.Connected() && a.clock.State().Epoch == b.clock.State().Epoch {
				put(t, a, "k", draft("body", "City", TenantTag+"acme"), nowNS())
				redistest.Until(t, "the shared tier has it or refuses", redistest.Patience, func() bool {
					return done() || a.Stats().L2QueueBytes == 0 && a.Stats().L2Writes > 0
				})
				sees(b, "k")
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				a.AwaitFleet(ctx, time.Second)
				_, _ = a.Fleet(ctx)
				a.values.PublishPopular(ctx, []*Key{keyOf("k")}, []int64{1}, 1)
				b.values.Popular(ctx, 1)
				if e, err := a.Erase(ctx, "acme", nowNS()); err == nil {
					erased += e.Erased
				}
				invalidate(t, b, Invalidation{Tags: []string{"City"}}, nowNS())
				works = true
			}
			return works
		})
		done()
		return denied
	}
	rights := RedisRights("weir", false)
	if denied := scenario(t, rights); len(denied) > 0 || erased != 1 {
		t.Errorf("refused with all rights: %v; %d values erased", denied, erased)
	}
	for _, word := range strings.Fields(rights) {
		name, ok := strings.CutPrefix(word, "+")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if denied := scenario(t, strings.Replace(rights+" ", " +"+name+" ", " ", 1)); !slices.Contains(denied, name) {
				t.Errorf("nothing is refused that needs it: %v", denied)
			}
		})
	}
}

// What waits for Redis at a graceful stop, or is under way to it, is written; a server that does not answer cannot hold the stop up.
func TestWritesThatWaitAtTheEnd(t *testing.T) {
	const n = 500
	for _, c := range []struct {
		name         string
		frozen, thaw bool
		written      uint64
	}{
		{name: "well", written: n},
		{name: "frozen", frozen: true},
		{name: "frozen until the end has begun", frozen: true, thaw: true, written: n},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.Start(t)
			cfg := Config{Redis: []string{server.Addr}, EarlyRefresh: -1}
			if c.written > 0 { // a machine that is slow for a moment is not to open the breaker, which drops writes
				cfg.ReadBudget, cfg.WriteBudget = 2*time.Second, 5*time.Second
			}
			s, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			connected(t, s)
			fill(t, s, "first", "body", "City") // the connection is made
			redistest.Until(t, "it is written", redistest.Patience, func() bool { return s.Stats().L2Writes == 1 })
			fills := make([]*Fill, n)
			for i := range fills {
				fills[i] = lead(t, s, fmt.Sprint("k", i), nowNS())
			}
			if c.frozen {
				server.Freeze()
				t.Cleanup(server.Thaw)
			}
			for _, f := range fills { // asks Redis nothing, so that it is frozen for a moment only: a connection is given up after a second
				f.Complete(draft("body", "City"), nowNS())
			}
			if c.thaw {
				redistest.Until(t, "a whole batch has left the queue", redistest.Patience, func() bool { return s.Stats().L2Queue <= n-64 })
			}
			cancel()
			begun := time.Now()
			if c.thaw {
				server.Thaw()
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
			took := time.Since(begun)
			st := s.Stats()
			written, dropped := st.L2Writes-1, st.L2Dropped
			t.Logf("%d written, %d dropped, the end took %v", written, dropped, took)
			if written != c.written || dropped != n-c.written || st.L2Queue != 0 || st.L2QueueBytes != 0 {
				t.Errorf("%d of %d written, want %d; %d dropped; %d wait with %d bytes", written, n, c.written, dropped, st.L2Queue, st.L2QueueBytes)
			}
			if took > redistest.Patience { // it is about a second; this machine may be busy
				t.Errorf("the end took %v", took)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

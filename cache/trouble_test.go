package cache

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// lineLog collects what is logged.
type lineLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lineLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with returns the lines that contain a text.
func (l *lineLog) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

func (l *lineLog) into(change func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(l, nil))
		c.AppendBudget = 50 * time.Millisecond
		if change != nil {
			change(c)
		}
	}
}

// told waits for the one line of a trouble, and for what the metric says.
func (l *lineLog) told(t *testing.T, s *Store, kind, text, cure string) {
	t.Helper()
	redistest.Until(t, "the trouble is told: "+text, redistest.Patience, func() bool { return len(l.with(text)) > 0 })
	if line := l.with(text)[0]; !strings.Contains(line, cure) || !strings.Contains(line, "level=WARN") {
		t.Errorf("no cure in %s", line)
	}
	if kinds := s.Stats().Trouble; !slices.Contains(kinds, kind) {
		t.Errorf("troubles %v, want %s", kinds, kind)
	}
}

func user(name string) func(*Config) {
	return func(c *Config) { c.RedisUsername, c.RedisPassword = name, "x" }
}

func TestUserThatMayNotAppendIsToldAndNothingIsAcknowledged(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "weir", "on", ">x", "~*", "&*", "+@all", "-xadd")
	a := join(t, server.Addr, nil)
	connected(t, a)
	var log lineLog
	b := join(t, server.Addr, log.into(user("weir")))
	connected(t, b)
	fill(t, a, "k", "old", "City")
	sees(b, "k")
	if r := invalidate(t, b, Invalidation{Tags: []string{"City"}}, nowNS()); r.Logged {
		t.Errorf("%+v", r)
	}
	want(t, b, "k", nowNS(), Miss)
	log.told(t, b, "acl", "may not do", "ACL SETUSER")
	errors := b.Stats().AppendErrors
	redistest.Until(t, "it tries again", redistest.Patience, func() bool { return b.Stats().AppendErrors > errors+3 })
	if n := len(log.with("may not do")); n != 1 {
		t.Errorf("told %d times", n)
	}
	server.Do("ACL", "SETUSER", "weir", "+xadd")
	redistest.Until(t, "what waited is in the log", redistest.Patience, func() bool { _, s := a.Get(keyOf("k"), nowNS()); return s == Miss })
	redistest.Until(t, "the trouble is over", redistest.Patience, func() bool { return len(b.Stats().Trouble) == 0 })
}

func TestUserThatMayNotWaitForTheLogReadsItAllTheSame(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "weir", "on", ">x", "~*", "&*", "+@all", "-xread")
	a := join(t, server.Addr, nil)
	var log lineLog
	b := join(t, server.Addr, log.into(user("weir")))
	connected(t, a, b)
	fill(t, a, "k", "old", "City")
	redistest.Until(t, "b has it", redistest.Patience, func() bool { x, _ := sees(b, "k"); return x == "old" })
	log.told(t, b, "acl", "may not do", "ACL SETUSER")
	at := time.Now()
	logged(t, a, Invalidation{Tags: []string{"City"}})
	redistest.Until(t, "b obeys", redistest.Patience, func() bool { _, s := b.Get(keyOf("k"), nowNS()); return s == Miss })
	t.Logf("obeyed after %v", time.Since(at))
	if len(log.with("may not do")) != 1 || len(log.with("log lost")) != 0 {
		t.Errorf("%v %v", log.with("may not do"), log.with("log lost"))
	}
}

func TestUserThatMayNotPublishItsPlaceObeysAllTheSame(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "weir", "on", ">x", "~*", "&*", "+@all", "-hset", "-zadd")
	var log lineLog
	b := join(t, server.Addr, log.into(user("weir")))
	connected(t, b)
	log.told(t, b, "acl", "may not do", "ACL SETUSER")
	logged(t, b, Invalidation{Tags: []string{"City"}})
	if n := b.Stats().FleetMembers; n >= 0 {
		t.Errorf("%d members", n)
	}
}

func TestUserThatMayNotRunScriptsIsTold(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "weir", "on", ">x", "~*", "&*", "+@all", "-@scripting")
	var log lineLog
	b := join(t, server.Addr, log.into(user("weir")))
	log.told(t, b, "acl", "may not do", "ACL SETUSER")
	if b.Connected() {
		t.Error("connected")
	}
}

func TestReadOnlyReplicaIsToldAndNotTrusted(t *testing.T) {
	server := redistest.Start(t)
	a := join(t, server.Addr, nil)
	connected(t, a)
	fill(t, a, "k", "old", "City")
	host, port, _ := strings.Cut(server.Addr, ":")
	replica := redistest.Start(t, "--replicaof", host, port)
	redistest.Until(t, "the replica follows", redistest.Patience, func() bool { return replica.Do("EXISTS", "{weir}:inv") == ":1" })
	var log lineLog
	b := join(t, replica.Addr, log.into(nil))
	log.told(t, b, "read_only", "read-only replica", "redis_master")
	if body, _ := sees(b, "k"); body != "" || b.Connected() {
		t.Errorf("serves %q", body)
	}
	if r := invalidate(t, b, Invalidation{Tags: []string{"City"}}, nowNS()); r.Logged {
		t.Errorf("%+v", r)
	}
	if n := len(log.with("read-only replica")); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestMasterThatBecomesAReplicaIsTold(t *testing.T) {
	server, other := redistest.Start(t), redistest.Start(t)
	var log lineLog
	a := join(t, server.Addr, log.into(nil))
	connected(t, a)
	host, port, _ := strings.Cut(other.Addr, ":")
	server.Do("REPLICAOF", host, port)
	log.told(t, a, "read_only", "read-only replica", "redis_master")
	cutOff(t, a)
	put(t, a, "k", draft("x", "City"), nowNS())
	server.Do("REPLICAOF", "NO", "ONE")
	connected(t, a)
	logged(t, a, Invalidation{Tags: []string{"City"}})
	want(t, a, "k", nowNS(), Miss)
}

func TestFullRedisIsTold(t *testing.T) {
	server := redistest.Start(t)
	a := join(t, server.Addr, nil)
	connected(t, a)
	server.Do("CONFIG", "SET", "maxmemory", "1kb")
	var log lineLog
	b := join(t, server.Addr, log.into(nil))
	if r := invalidate(t, b, Invalidation{Tags: []string{"City"}}, nowNS()); r.Logged {
		t.Errorf("%+v", r)
	}
	log.told(t, b, "full", "Redis is full", "volatile-lru")
	server.Do("CONFIG", "SET", "maxmemory", "0")
	connected(t, b)
	logged(t, b, Invalidation{Tags: []string{"City"}})
}

func TestKeysOfSomethingElseAreTold(t *testing.T) {
	server := redistest.Start(t)
	server.Do("SET", "{weir}:inv", "of something else")
	var log lineLog
	a := join(t, server.Addr, log.into(nil))
	log.told(t, a, "type", "belong to something else", "namespace")
	if a.Connected() || server.Do("GET", "{weir}:inv") != "$17" {
		t.Error("the keys were written over")
	}
}

// A Redis that may drop the log is told from its settings, before it happens; when it happens everybody forgets all.
func TestRedisThatDropsTheLogIsToldAndFlushesEverybody(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "6mb", "--maxmemory-policy", "allkeys-random")
	var log lineLog
	a := join(t, server.Addr, log.into(nil))
	b := join(t, server.Addr, nil)
	connected(t, a, b)
	log.told(t, a, "eviction", "may drop the invalidation log", "volatile-lru")
	put(t, a, "k", draft("old", "City"), nowNS())
	put(t, b, "k", draft("old", "City"), nowNS())
	generations := a.Stats().Generations
	value := strings.Repeat("x", 100_000)
	for i := 0; a.Stats().Generations == generations; i++ {
		if i == 20_000 {
			t.Fatal("the log was never dropped")
		}
		server.Do("SET", fmt.Sprint("filler", i), value)
	}
	for _, s := range []*Store{a, b} {
		redistest.Until(t, "the store gives up what it had", redistest.Patience, func() bool { _, st := s.Get(keyOf("k"), nowNS()); return st == Miss })
	}
	if n := len(log.with("may drop")); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestVolatileEvictionIsFine(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "6mb", "--maxmemory-policy", "volatile-lru")
	var log lineLog
	a := join(t, server.Addr, log.into(nil))
	connected(t, a)
	if r := a.AwaitFleet(context.Background(), redistest.Patience); !r.All() {
		t.Errorf("%+v", r)
	}
	if n := log.with("level=WARN"); len(n) != 0 || len(a.Stats().Trouble) != 0 {
		t.Errorf("%v", n)
	}
}

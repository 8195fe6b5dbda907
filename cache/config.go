package cache

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/weirproxy/weir/cache/internal/codec"
)

// Config sets up a Store. The zero value is a usable cache of this process alone.
type Config struct {
	// MaxBytes bounds the tier of this process, bookkeeping included. Default 64 MiB, at least 64 KiB (below 1 MiB, up to
	// 300 KiB of bookkeeping come on top).
	MaxBytes int64
	// MaxEntryBytes bounds one entry's charge (body, head, tags, bookkeeping). Default and maximum: MaxBytes/64.
	MaxEntryBytes int64
	// Namespace separates fleets that share a Redis; it is the hash tag of the log's keys. Default "weir".
	Namespace string

	// Redis lists HOST:PORT addresses: none (no shared tier), one server, or nodes of a cluster. With RedisMaster set they are
	// Sentinels.
	Redis []string
	// RedisMaster is the Sentinel master's name; empty: no Sentinel.
	RedisMaster string
	// RedisCluster says that Redis are nodes of a cluster; several addresses without RedisMaster are so in any case.
	RedisCluster bool
	// RedisUsername and RedisPassword authenticate. RedisRights says what the user must be allowed.
	RedisUsername, RedisPassword string
	// SentinelUsername and SentinelPassword authenticate with Sentinels, which need not know the users of the servers.
	SentinelUsername, SentinelPassword string
	// RedisTLS makes connections to servers and Sentinels encrypted; nil: plain TCP.
	RedisTLS *tls.Config
	// RedisDB is the database. A cluster has only 0.
	RedisDB int
	// Encryption seals values and the names in the log. The first key seals, all open. None: they stand in Redis as they are.
	Encryption []EncryptionKey
	// Compression of values in the shared tier whose head and body take more than CompressAbove bytes: none, s2 or zstd. Default: none.
	Compression   string
	CompressAbove int
	// ReadBudget bounds the wait for the shared tier in one Lookup. Default 25 ms.
	ReadBudget time.Duration
	// WriteBudget bounds one asynchronous write to the shared tier. Default 200 ms.
	WriteBudget time.Duration
	// WriteQueue is how many entries may wait for the shared tier; more are dropped and counted. Default 1024.
	WriteQueue int

	// Popular says that this process tells the fleet which entries are asked for most, for WarmUp of others.
	Popular bool

	// Instance names this process to people who look at the fleet. Default: the host name.
	Instance string

	// AppendBudget is how long Invalidate waits for the log before it goes on alone. Default 5 ms.
	AppendBudget time.Duration
	// AppendQueue is how many invalidations may wait for the log; beyond it they are merged into one that names everything.
	// Default 4096.
	AppendQueue int
	// LogRecords is about how many records the log keeps. Default 100000.
	LogRecords int
	// DisconnectedAfter is how long without contact to the log until the store is Degraded. Default 2 s.
	DisconnectedAfter time.Duration
	// DisconnectedTTL bounds, while Degraded, how long an entry is served after it was last known to be valid. Default 10 s.
	DisconnectedTTL time.Duration

	// MaxTombstones bounds the names remembered as invalidated; beyond it the floor rises. Default 1,000,000.
	MaxTombstones int
	// Retention is the longest life of any entry, stale time included, and how far back the log matters. Default 24 h.
	Retention time.Duration
	// Jitter shortens each TTL by a random share of up to this ratio, 0..0.5, so that entries filled together do not expire
	// together. Default 0: the caller's TTL already has it.
	Jitter float64
	// EarlyRefresh scales the early refresh (1: refresh about one fetch time before expiry; larger is earlier). Default 1;
	// negative: off.
	EarlyRefresh float64
	// Revalidates says for how long after its fresh time an entry may answer while it is fetched again; nil: as long as it lives.
	Revalidates func(*Entry) time.Duration
	// MaxFill is how long a leader may take before another caller may lead. Default 60 s.
	MaxFill time.Duration
	// MaxMarkers bounds the keys remembered as not cacheable. Default 65536.
	MaxMarkers int

	// Logger gets a line per connect and disconnect. Default: none.
	Logger *slog.Logger
	// Now is the clock of background work, unix ns. Default: the system's.
	Now func() int64
}

// EncryptionKey is a secret that all processes of a fleet share.
type EncryptionKey struct {
	ID     string // stands in each value; 1 to 32 bytes
	Secret []byte // 32 random bytes
}

// codec checks what values look like.
func (c *Config) codec() (*codec.Codec, error) {
	out := codec.Config{
		Namespace: c.Namespace, Compression: c.Compression, Above: c.CompressAbove, Largest: int(min(c.MaxBytes/4, 256<<20)),
	}
	for _, k := range c.Encryption {
		out.Keys = append(out.Keys, codec.Key(k))
	}
	made, err := codec.New(out)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return made, nil
}

const (
	defaultMaxBytes = 64 << 20
	minMaxBytes     = 64 << 10
)

func (c *Config) complete() error {
	c.setDefaults()
	var errs []error
	check := func(ok bool, name string, value any, want string) {
		if !ok {
			errs = append(errs, fmt.Errorf("cache: %s is %v, want %s", name, value, want))
		}
	}
	check(c.MaxBytes >= minMaxBytes, "MaxBytes", c.MaxBytes, "at least 65536")
	check(c.MaxEntryBytes > 0 && c.MaxEntryBytes <= c.MaxBytes/64, "MaxEntryBytes", c.MaxEntryBytes, "between 1 and MaxBytes/64")
	check(c.Jitter >= 0 && c.Jitter <= 0.5, "Jitter", c.Jitter, "0 to 0.5")
	check(c.MaxTombstones >= 16, "MaxTombstones", c.MaxTombstones, "at least 16")
	check(c.AppendQueue >= 1, "AppendQueue", c.AppendQueue, "at least 1")
	check(c.WriteQueue >= 1, "WriteQueue", c.WriteQueue, "at least 1")
	check(c.LogRecords >= 1, "LogRecords", c.LogRecords, "at least 1")
	check(c.MaxMarkers >= 1, "MaxMarkers", c.MaxMarkers, "at least 1")
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"ReadBudget", c.ReadBudget},
		{"WriteBudget", c.WriteBudget},
		{"AppendBudget", c.AppendBudget},
		{"DisconnectedAfter", c.DisconnectedAfter},
		{"DisconnectedTTL", c.DisconnectedTTL},
		{"Retention", c.Retention},
		{"MaxFill", c.MaxFill},
	} {
		check(d.v > 0, d.name, d.v, "a positive duration")
	}
	for _, a := range c.Redis {
		check(a != "", "Redis", c.Redis, "non-empty addresses")
	}
	check(!strings.ContainsAny(c.Namespace, "{}"), "Namespace", c.Namespace, "a name without braces: they would put all values into one slot of a cluster")
	check(c.RedisDB >= 0 && (c.RedisDB == 0 || !c.RedisCluster), "RedisDB", c.RedisDB, "0 or more, in a cluster 0")
	check(!c.RedisCluster || c.RedisMaster == "", "RedisCluster", c.RedisCluster, "no RedisMaster beside it: a cluster needs no Sentinel")
	check(c.RedisMaster == "" || len(c.Redis) > 0, "RedisMaster", c.RedisMaster, "Sentinel addresses in Redis")
	return errors.Join(errs...)
}

func (c *Config) setDefaults() {
	setDefault(&c.MaxBytes, defaultMaxBytes)
	setDefault(&c.MaxEntryBytes, c.MaxBytes/64)
	setDefault(&c.Namespace, "weir")
	if c.Instance == "" {
		c.Instance, _ = os.Hostname()
	}
	setDefault(&c.ReadBudget, 25*time.Millisecond)
	setDefault(&c.WriteBudget, 200*time.Millisecond)
	setDefault(&c.WriteQueue, 1024)
	setDefault(&c.AppendBudget, 5*time.Millisecond)
	setDefault(&c.AppendQueue, 4096)
	setDefault(&c.LogRecords, 100_000)
	setDefault(&c.DisconnectedAfter, 2*time.Second)
	setDefault(&c.DisconnectedTTL, 10*time.Second)
	setDefault(&c.MaxTombstones, 1_000_000)
	setDefault(&c.Retention, 24*time.Hour)
	setDefault(&c.EarlyRefresh, 1)
	setDefault(&c.MaxFill, time.Minute)
	setDefault(&c.MaxMarkers, 65536)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = func() int64 { return time.Now().UnixNano() }
	}
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

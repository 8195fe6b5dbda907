package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/codec"
)

// Config sets up a Link.
type Config struct {
	Addresses []string
	// Master is the name of the Sentinel master; empty: no Sentinel.
	Master string
	// Cluster says that the addresses are of a cluster's nodes. Several addresses without a Master are so in any case.
	Cluster            bool
	Username, Password string
	// SentinelUsername and SentinelPassword authenticate with Sentinels, which need not know the users of the servers.
	SentinelUsername, SentinelPassword string
	TLS                                *tls.Config // nil: plain TCP; of servers and Sentinels
	DB                                 int
	Namespace                          string // for people
	Codec                              *codec.Codec
	Logger                             *slog.Logger
}

func (c *Config) cluster() bool { return c.Master == "" && (c.Cluster || len(c.Addresses) > 1) }

// ErrDown tells that there is no connection, or that the breaker is open.
var ErrDown = errors.New("remote: redis is not connected")

// Link is connections that come and go. It is safe for concurrent use.
type Link struct {
	cfg     Config
	client  atomic.Pointer[holder]
	reader  atomic.Pointer[follower] // of the log
	trouble Trouble
	probed  time.Time // by Run alone
	// Unreadable counts records of the log that are sealed and cannot be opened.
	Unreadable atomic.Uint64
	mu         sync.Mutex
	closed     bool
}

type holder struct{ rueidis.Client }

const (
	connectEvery   = 500 * time.Millisecond
	connecting     = "connecting"
	inspectTimeout = 2 * time.Second
)

// New returns a link without a connection; Run makes them.
func New(cfg Config) *Link {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Link{cfg: cfg, trouble: Trouble{Logger: cfg.Logger, cluster: cfg.cluster(), rights: Rights(cfg.Namespace, cfg.cluster())}}
}

// Run connects, trying again until it succeeds, and returns when ctx ends. rueidis itself reconnects after that.
func (l *Link) Run(ctx context.Context) {
	told := false
	for {
		err := l.connect()
		if err == nil {
			l.trouble.over(connecting)
			l.inspect(ctx)
			<-ctx.Done()
			l.reader.Load().close()
			return
		}
		if known := l.noteDial(err) || l.probe(ctx, err); !known && !told && ctx.Err() == nil {
			told = true
			l.cfg.Logger.Warn("redis cannot be reached; the cache of this process goes on alone", "addresses", l.cfg.Addresses, "error", err)
		}
		timer := time.NewTimer(connectEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// noteDial is note of an error from connecting, which may also be of the kind of server.
func (l *Link) noteDial(err error) bool {
	if l.cfg.Master != "" && rueidis.IsRedisNil(err) { // so a Sentinel says that it does not know the name
		err = errors.New("sentinel: No such master with that name")
	}
	return l.trouble.note(connecting, err)
}

// inspect asks the server what it is: one that is of another kind than this side takes it for answers all the same, for a while.
func (l *Link) inspect(ctx context.Context) {
	c := l.get()
	if c == nil || l.cfg.cluster() {
		return
	}
	call, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	text, err := c.Do(call, c.B().Info().Section("server").Build()).ToString()
	if err != nil {
		l.trouble.note(connecting, err)
		return
	}
	switch infoLine(text, "redis_mode") {
	case "cluster":
		l.trouble.tell(isCluster, connecting)
	case "sentinel":
		l.trouble.tell(isSentinel, connecting)
	}
}

// connect makes the clients that there are not yet.
func (l *Link) connect() error {
	if l.get() == nil {
		c, err := rueidis.NewClient(l.options())
		if err != nil {
			return err
		}
		l.set(c)
	}
	f, err := l.follow()
	if err != nil {
		return err
	}
	l.reader.Store(f)
	return nil
}

// Every call has a limit of its own, and the one that runs out of time leaves its connection to the others. That nobody is at its other end any more is for the
// kernel to find, which wakes no idle sidecar: it ends a connection of which nothing was acknowledged for as long as vanished. For who acknowledges all and
// answers nothing, as a proxy does that has lost its server, the client sends a PING where nothing came for pingEvery.
const (
	vanished  = 5 * time.Second
	pingEvery = 30 * time.Second
)

func (l *Link) options() rueidis.ClientOption {
	o := rueidis.ClientOption{
		InitAddress:      l.cfg.Addresses,
		Username:         l.cfg.Username,
		Password:         l.cfg.Password,
		SelectDB:         l.cfg.DB,
		TLSConfig:        l.cfg.TLS,
		ClientName:       "weir",
		ClientSetInfo:    rueidis.DisableClientSetInfo,
		DisableRetry:     true,
		DisableCache:     true,
		AlwaysPipelining: true, // else a call that runs out of time closes the connection
		Dialer: net.Dialer{
			Timeout: 500 * time.Millisecond, Control: limitSilence,
			KeepAlive:       pingEvery, // so the client takes it; the kernel goes by the other
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: vanished, Interval: vanished, Count: 1},
		},
		DialCtxFn:         dial,
		ConnWriteTimeout:  time.Second,
		ForceSingleClient: l.cfg.Master == "" && !l.cfg.cluster(),
	}
	if l.cfg.Master != "" {
		o.Sentinel = rueidis.SentinelOption{
			MasterSet: l.cfg.Master, Username: l.cfg.SentinelUsername, Password: l.cfg.SentinelPassword, TLSConfig: l.cfg.TLS,
		}
	}
	return o
}

// dial is how a client connects.
func dial(ctx context.Context, address string, d *net.Dialer, secure *tls.Config) (net.Conn, error) {
	if secure != nil {
		return (&tls.Dialer{NetDialer: d, Config: secure}).DialContext(ctx, "tcp", address)
	}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return direct(c), nil
}

func (l *Link) set(c rueidis.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.Close()
		return
	}
	l.client.Store(&holder{c})
}

// Close ends the connections. Call it after Run has returned.
func (l *Link) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if h := l.client.Swap(nil); h != nil {
		h.Close()
	}
	if f := l.reader.Swap(nil); f != nil {
		f.Close()
	}
}

// get returns the client, nil when there was never a connection.
func (l *Link) get() rueidis.Client {
	if h := l.client.Load(); h != nil {
		return h.Client
	}
	return nil
}

// command makes a command about one key. The client computes the slot of what it is told is a key, and only a cluster needs that.
func (l *Link) command(c rueidis.Client, verb, name string, args ...string) rueidis.Completed {
	if l.cfg.cluster() {
		return c.B().Arbitrary(verb).Keys(name).Args(args...).Build()
	}
	return c.B().Arbitrary(verb).Args(name).Args(args...).Build()
}

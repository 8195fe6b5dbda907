package remote

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Config sets up a Link.
type Config struct {
	Addresses          []string
	Master             string // name of the Sentinel master; empty: no Sentinel
	Username, Password string
	Logger             *slog.Logger
}

// ErrDown tells that there is no connection, or that the breaker is open.
var ErrDown = errors.New("remote: redis is not connected")

// Link is a connection that comes and goes. It is safe for concurrent use.
type Link struct {
	cfg     Config
	client  atomic.Pointer[holder]
	breaker breaker
	mu      sync.Mutex
	closed  bool
}

type holder struct{ rueidis.Client }

const connectEvery = 500 * time.Millisecond

// New returns a link without a connection; Run makes it.
func New(cfg Config) *Link { return &Link{cfg: cfg} }

// Run connects, trying again until it succeeds, and returns when ctx ends. rueidis itself reconnects after that.
func (l *Link) Run(ctx context.Context) {
	told := false
	for {
		client, err := l.dial()
		if err == nil {
			l.set(client)
			<-ctx.Done()
			return
		}
		if !told && ctx.Err() == nil {
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

func (l *Link) dial() (rueidis.Client, error) {
	// Every call has a limit of its own; PINGs on idle connections are for a peer that vanished without a word, and they keep an idle sidecar awake.
	o := rueidis.ClientOption{
		InitAddress:       l.cfg.Addresses,
		Username:          l.cfg.Username,
		Password:          l.cfg.Password,
		ClientName:        "weir",
		DisableRetry:      true,
		DisableCache:      true,
		AlwaysPipelining:  true, // else a call that runs out of time closes the connection
		Dialer:            net.Dialer{Timeout: 500 * time.Millisecond, KeepAlive: 5 * time.Second},
		ConnWriteTimeout:  time.Second,
		ForceSingleClient: len(l.cfg.Addresses) == 1 && l.cfg.Master == "",
	}
	if l.cfg.Master != "" {
		o.Sentinel = rueidis.SentinelOption{MasterSet: l.cfg.Master, Username: l.cfg.Username, Password: l.cfg.Password}
	}
	return rueidis.NewClient(o)
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

// Close ends the connection. Call it after Run has returned.
func (l *Link) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if h := l.client.Swap(nil); h != nil {
		h.Close()
	}
}

// get returns the client, nil when there was never a connection.
func (l *Link) get() rueidis.Client {
	if h := l.client.Load(); h != nil {
		return h.Client
	}
	return nil
}

// Breaker returns the state of the breaker: closed, open or half-open.
func (l *Link) Breaker(now int64) string { return l.breaker.state(now) }

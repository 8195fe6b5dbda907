package kafka

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Contact knows whether brokers can be reached, as a hook of a client, and logs a line when that changes. A line says the cure when the reason is
// one that somebody can do something about.
type Contact struct {
	Logger   *slog.Logger
	Brokers  []string
	Security Security
	Fails    string // line of a failure
	Works    string // line of its end

	failing  atomic.Bool
	proven   atomic.Bool // a request beyond the greeting was answered since the last failure
	refused  atomic.Bool // what fails is not the connection: only Taken ends it
	known    atomic.Bool // there was an answer, or the lack of one
	held     atomic.Bool // brokers are there, and let nobody in
	last     atomic.Pointer[string]
	greeting atomic.Int32 // 1 + request of a greeting that was not answered; 0: none

	mu   sync.Mutex
	told map[string]time.Time // by kind
}

// tellEvery bounds how often the same cure is said, however often its reason comes and goes.
const tellEvery = time.Minute

// Working reports whether the last contact went well.
func (c *Contact) Working() bool { return !c.failing.Load() }

// Open reports whether records may be given to the client. While brokers refuse to let it in, it drops what it has; while they are away, it
// keeps it.
func (c *Contact) Open() bool { return c.known.Load() && !c.held.Load() }

// Probe asks a broker for something, so that Open is about now. It returns when there is an answer, or ctx ends.
func (c *Contact) Probe(ctx context.Context, client *kgo.Client) {
	ask := kmsg.NewPtrMetadataRequest()
	ask.Topics = []kmsg.MetadataRequestTopic{} // none: only the brokers
	_, _ = client.Request(ctx, ask)            // the hooks hear of it
	c.known.Store(true)
}

// LastError is of the last failure, empty when there was none.
func (c *Contact) LastError() string {
	if text := c.last.Load(); text != nil {
		return *text
	}
	return ""
}

// OnBrokerConnect implements kgo.HookBrokerConnect. It comes after the greeting: versions and SASL.
func (c *Contact) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	key := int16(c.greeting.Swap(0) - 1)
	if err != nil {
		c.fail(err, key)
	}
}

// OnBrokerE2E implements kgo.HookBrokerE2E. A connection counts as good with its first answer beyond the greeting: a broker that wants a user ends
// those that have none only then.
func (c *Contact) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e kgo.BrokerE2E) {
	err := e.Err()
	switch {
	case greeting(key):
		if err != nil {
			c.greeting.Store(int32(key) + 1)
		}
	case err != nil:
		if !c.proven.Load() { // else it was a good connection, and the next says more
			c.fail(err, key)
		}
	case !c.proven.Load():
		c.proven.Store(true)
		c.held.Store(false)
		c.known.Store(true)
		if !c.refused.Load() {
			c.works()
		}
	}
}

// Refused notes that a broker answered, and the answer is no.
func (c *Contact) Refused(err error) {
	c.refused.Store(true)
	c.fail(err, none)
}

// Forbidden is Refused when the user has no right to something.
func (c *Contact) Forbidden(err error) {
	if c.Security.cureOf(err, none) == rights {
		c.Refused(err)
	}
}

// Taken notes that what may be refused was not.
func (c *Contact) Taken() {
	if c.failing.Load() {
		c.refused.Store(false)
		c.works()
	}
}

func (c *Contact) works() {
	if c.failing.CompareAndSwap(true, false) {
		c.Logger.Info(c.Works, "brokers", c.Brokers)
	}
}

func (c *Contact) fail(err error, key int16) {
	if errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, context.Canceled) {
		return
	}
	text := err.Error()
	c.last.Store(&text)
	c.proven.Store(false)
	first := c.failing.CompareAndSwap(false, true)
	found := c.Security.cureOf(err, key)
	c.held.Store(found.kind != "" && found != rights)
	c.known.Store(true)
	more := []any{"brokers", c.Brokers, "error", text}
	if found.kind == "" {
		if first {
			c.Logger.Warn(c.Fails, more...)
		}
		return
	}
	if c.tell(found.kind) {
		c.Logger.Warn(found.what+"; "+c.Fails, append([]any{"cure", found.cure}, more...)...)
	}
}

// tell reports whether a cure is to be said now.
func (c *Contact) tell(kind string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if at, ok := c.told[kind]; ok && now.Sub(at) < tellEvery {
		return false
	}
	if c.told == nil {
		c.told = map[string]time.Time{}
	}
	c.told[kind] = now
	return true
}

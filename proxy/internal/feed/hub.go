package feed

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Why a feed ended. ErrLost wraps what the connection said. A subgraph that refuses the subscription ends it with a *Refused.
var (
	ErrSlow = errors.New("feed: the reader is too far behind")
	ErrLost = errors.New("feed: the connection to the subgraph is lost")
	ErrShut = errors.New("feed: shut down")
	ErrFull = errors.New("feed: too many subscriptions")
)

// Refused has the errors with which a subgraph ended a subscription.
type Refused struct{ Errors []byte } // a JSON list

func (*Refused) Error() string { return "feed: the subgraph refuses the subscription" }

// Target is a subgraph that can be subscribed to.
type Target struct {
	URL    string        // ws, wss, http or https; of an event stream http or https
	Stream bool          // it is subscribed to over an event stream in place of a WebSocket
	Init   bool          // it gets the payload with which the client began its own WebSocket
	TLS    *tls.Config   // nil: the system's authorities
	Beat   time.Duration // 0: the hub's. An event stream has none
}

// Config sets up a Hub. Targets are needed.
type Config struct {
	Targets  []Target
	Queue    int           // events that may wait for one reader. Default 64
	MaxFeeds int           // open at a time. Default 10,000
	MaxEvent int64         // bytes of a message. Default 1 MiB
	Connect  time.Duration // bounds connecting, up to connection_ack. Default 10 s
	Beat     time.Duration // between pings; a subgraph that does not answer one for as long is lost. Default 20 s
	// Lost is told why a subscription to a target ended that way: at most once a minute for each target. nil: nobody is.
	Lost func(target int, err error)
}

// Stats are gauges of now (Feeds, Sources) and counts since the beginning.
type Stats struct{ Feeds, Sources, Events, Slow int64 }

// Hub is safe for concurrent use.
type Hub struct {
	cfg     Config
	clients []*http.Client // by target
	told    []atomic.Int64 // by target: when Lost was called last, unix ns
	running sync.WaitGroup

	mu      sync.Mutex
	sources map[string]*source
	shut    bool

	feeds, open, events, slow atomic.Int64
}

// New returns a hub without connections.
func New(cfg Config) *Hub {
	setDefault(&cfg.Queue, 64)
	setDefault(&cfg.MaxFeeds, 10_000)
	setDefault(&cfg.MaxEvent, 1<<20)
	setDefault(&cfg.Connect, 10*time.Second)
	setDefault(&cfg.Beat, 20*time.Second)
	h := &Hub{cfg: cfg, sources: map[string]*source{}, told: make([]atomic.Int64, len(cfg.Targets))}
	for i := range cfg.Targets {
		setDefault(&cfg.Targets[i].Beat, cfg.Beat)
		h.clients = append(h.clients, newClient(&cfg, cfg.Targets[i].TLS))
	}
	return h
}

// newClient returns one that goes nowhere but where it is sent, for the headers are for nobody else.
func newClient(cfg *Config, secure *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: cfg.Connect, KeepAlive: 15 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: secure, TLSHandshakeTimeout: cfg.Connect, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func setDefault[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// Stats reads the counts.
func (h *Hub) Stats() Stats {
	return Stats{h.feeds.Load(), h.open.Load(), h.events.Load(), h.slow.Load()}
}

// tellEvery is how long nothing more is told of a target.
const tellEvery = time.Minute

// tell tells of a subscription that was lost, unless it has done so a moment ago.
func (h *Hub) tell(target int, err error) {
	now, last := time.Now().UnixNano(), h.told[target].Load()
	if h.cfg.Lost != nil && now-last >= int64(tellEvery) && h.told[target].CompareAndSwap(last, now) {
		h.cfg.Lost(target, err)
	}
}

// Feed is one reader's subscription.
type Feed struct {
	source *source
	events chan []byte
	err    error // valid once events is closed
}

// Events gives each event, data and errors as in an answer, and is closed when the subscription ends. Nobody changes an event.
func (f *Feed) Events() <-chan []byte { return f.events }

// Err tells, once Events is closed, why: nil when the subgraph completed the subscription or Close was called.
func (f *Feed) Err() error { return f.err }

// Full reports whether there can be no more feeds at the moment.
func (h *Hub) Full() bool { return h.feeds.Load() >= int64(h.cfg.MaxFeeds) }

// Subscribe joins the subscription of the same target (a number of Config.Targets), payload (JSON with query and variables), header and, where the target
// gets it, init (a JSON object, the client's payload of connection_init; nil: none), or begins it. It does not wait for the subgraph: what goes wrong there
// ends the feed. It keeps header and init. The error is ErrFull or ErrShut.
func (h *Hub) Subscribe(target int, payload []byte, header http.Header, init []byte) (*Feed, error) {
	if t := &h.cfg.Targets[target]; !t.Init || t.Stream {
		init = nil
	}
	key := keyOf(target, payload, header, init)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.shut:
		return nil, ErrShut
	case h.Full():
		return nil, ErrFull
	}
	s := h.sources[key]
	if s == nil {
		ctx, cancel := context.WithCancel(context.Background())
		s = &source{hub: h, key: key, target: target, payload: append([]byte(nil), payload...), header: header, init: init, cancel: cancel, feeds: map[*Feed]struct{}{}}
		h.sources[key] = s
		h.open.Add(1)
		h.running.Go(func() { s.run(ctx) })
	}
	f := &Feed{source: s, events: make(chan []byte, h.cfg.Queue)}
	s.mu.Lock()
	s.feeds[f] = struct{}{}
	s.mu.Unlock()
	h.feeds.Add(1)
	return f, nil
}

// Close ends the feed, and its upstream if nobody else reads it. It may be called more than once.
func (f *Feed) Close() {
	f.source.mu.Lock()
	f.source.drop(f, nil)
	f.source.mu.Unlock()
	f.source.retire()
}

// Close ends all feeds with ErrShut and waits until their upstreams are closed.
func (h *Hub) Close() {
	h.mu.Lock()
	h.shut = true
	all := make([]*source, 0, len(h.sources))
	for _, s := range h.sources {
		all = append(all, s)
	}
	h.mu.Unlock()
	for _, s := range all {
		s.end(ErrShut)
	}
	h.running.Wait()
	for _, c := range h.clients {
		c.CloseIdleConnections()
	}
}

package serve

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/listen"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// conn is one client connection.
type conn struct {
	s           *Server
	client      net.Conn
	down        *outlet    // to the client
	peer        netip.Addr // of the client; not valid for a unix socket
	destination string
	breaker     *breaker.Breaker // of the destination
	leash       subgraph.Leash   // of fetches for the client

	// The request pump's own.
	feed       *feed // of client, nil when there is none
	fed        bool  // steady reads the client: nothing else can
	lingers    bool  // lingerOn is asked for when that ends
	splices    bool  // splice is asked for when that ends
	splicesFor spliceReason
	in         input
	head       wire.RequestHead
	chunks     wire.Chunks
	content    []byte // decoded body
	x          *line.Exchange
	copied     *line.Copy     // of the request that is relayed; nil: none
	ticket     breaker.Ticket // of the request that is to be relayed
	writer     answer.Writer
	lent       *lent
	out        []byte // the answer that is written, in what was lent
	vector     [2][]byte
	buffers    net.Buffers

	phase, expired atomic.Uint32
	since, writing atomic.Int64
	connected      atomic.Bool // there is an upstream connection
	gone           atomic.Bool // the client can no longer be written to
	lookedAfter    int64       // the sweep's own: since, when it looked into the connection last
	leaving        atomic.Bool // the client has ended its half, and the upstream was told

	mu      sync.Mutex
	changed *sync.Cond // the queue got shorter, or a response pump ended
	queue   turns
	up      *upstream
	local   bool           // an answer was written here since the upstream's last byte
	opaque  bool           // bytes of unknown meaning went to the client: no more answers from here
	dozes   bool           // a blind feed reads the client
	woken   bool           // and was woken, for there is something to read
	tunnel  *line.Tunnel   // follows an upgraded connection; nil: nobody looks
	blindTo [2]atomic.Bool // directions that the tunnel cannot be shown any more
}

func newConn(s *Server, accepted listen.Conn) *conn {
	c := &conn{s: s, client: accepted.Conn, down: newOutlet(accepted.Conn), feed: newClientFeed(accepted.Conn), destination: accepted.Destination, breaker: s.breakers.Of(accepted.Destination), in: input{b: make([]byte, smallInput)}}
	c.changed = sync.NewCond(&c.mu)
	if accepted.Conn != nil {
		if a, ok := accepted.RemoteAddr().(*net.TCPAddr); ok {
			c.peer = a.AddrPort().Addr().Unmap()
		}
	}
	return c
}

// run is the request pump.
func (c *conn) run() {
	defer c.s.forget(c)
	defer c.finish()
	defer c.recover("request pump")
	if !c.detect() {
		return
	}
	for c.next() {
		if c.in.size() == 0 && !c.steady() {
			return
		}
	}
}

// detect looks at the first bytes. It reports whether the connection speaks HTTP/1; anything else has been spliced when it returns.
func (c *conn) detect() bool {
	_ = c.client.SetReadDeadline(time.Now().Add(c.s.cfg.DetectWait))
	_, err := c.in.read(c.client)
	_ = c.client.SetReadDeadline(time.Time{})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// A client that waits to be spoken to, or that connects ahead of need: either sees what it would see without us.
		_, _ = c.connect()
		c.enter(phaseIdle)
		if c.s.draining.Load() {
			return false
		}
		_, err = c.in.read(c.client)
	}
	for ; err == nil; _, err = c.in.read(c.client) {
		c.enter(phaseHead)
		switch wire.Detect(c.in.bytes()) {
		case wire.NeedMore:
			continue
		case wire.HTTP1:
			return true
		case wire.HTTP2Preface:
			c.splice(spliceH2)
		case wire.TLS:
			c.splice(spliceTLS)
		default:
			c.splice(spliceUnknown)
		}
		return false
	}
	return c.ended(err)
}

// next reads one request and sees to it; it reports whether another may follow.
func (c *conn) next() bool {
	if c.in.size() == 0 {
		c.in.reset()
	}
	for {
		if c.in.size() > 0 {
			switch v := c.head.Parse(c.in.bytes(), c.s.cfg.MaxHead); v {
			case wire.OK:
				return c.request()
			case wire.Incomplete:
				if phase(c.phase.Load()) != phaseHead {
					c.enter(phaseHead)
				}
			default:
				return c.odd(v)
			}
		} else {
			c.enter(phaseIdle) // before the look at draining: drain looks the other way round
			if c.s.draining.Load() {
				c.await((*turns).busy)
				return false
			}
		}
		if err := c.read(); err != nil {
			return c.ended(err)
		}
		if c.isOpaque() {
			c.splice(spliceServerFirst)
			return false
		}
	}
}

// read reads from the client. A wake-up that was meant for an idle connection does not end one that has become busy meanwhile.
func (c *conn) read() error {
	for {
		_, err := c.in.read(c.client)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) ||
			phase(c.expired.Load()) != phaseIdle || phase(c.phase.Load()) == phaseIdle {
			return err
		}
		_ = c.client.SetReadDeadline(time.Time{})
		c.expired.Store(0)
	}
}

func (c *conn) isOpaque() bool {
	if !c.connected.Load() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opaque
}

// odd is a head that is no ordinary request.
func (c *conn) odd(v wire.Verdict) bool {
	switch {
	case v == wire.TooLarge:
		return c.fail(codes.HeadTooLarge)
	case v == wire.Refuse, c.s.cfg.Policy().Strict:
		return c.fail(codes.BadFraming)
	}
	c.splice(spliceFraming)
	return false
}

// request handles the request whose head is parsed.
func (c *conn) request() bool {
	c.enter(phaseBusy)
	c.s.stats.requests.Add(1)
	c.await((*turns).full)
	now := time.Now().UnixNano()
	x := c.exchange()
	class := c.classify(x, now)
	if x.Refusal.Code != codes.None {
		return c.refuseAndClose(x)
	}
	var g gathered
	switch class {
	case line.Get:
		g.state = whole
	case line.Post:
		g = c.gather(x)
		switch g.state {
		case broken:
			return c.odd(wire.Ambiguous)
		case cut:
			return c.ended(g.err)
		}
	}
	x.BytesIn = int64(c.head.Size) + int64(g.size)
	action := line.Relay
	if g.state == whole {
		action = c.decide(x, g.content, now)
	}
	switch action {
	case line.Answer:
		return c.hit(x, g, now)
	case line.Stream:
		return c.streamed(x, g, now)
	case line.Refuse:
		return c.refuse(x, c.head.Size+g.size)
	}
	if orphan := x.Orphan(); orphan.Code != codes.None {
		if c.head.Upgrade {
			if code, ok := line.Upgrades(x, &c.head); ok {
				return c.webSocket(x, g, code)
			}
		}
		return c.decline(x, g, orphan)
	}
	if done, on := c.guarded(x, g, now); done {
		return on
	}
	if message := c.injected(x, g); message != nil && c.fetchInjected(x, message) {
		return c.hit(x, g, now)
	}
	return c.relay(x, g)
}

// exchange returns the record for the next request.
func (c *conn) exchange() *line.Exchange {
	if c.x != nil {
		return c.x
	}
	c.x = c.s.exchanges.Get().(*line.Exchange)
	return c.x
}

// answered ends the exchange of a request that was answered here.
func (c *conn) answered(x *line.Exchange) {
	c.x = nil
	c.s.exchanges.Put(x)
}

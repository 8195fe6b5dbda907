package subscribe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/instant"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

// Protocols.
const (
	TransportWS = "graphql-transport-ws"
	LegacyWS    = "graphql-ws" // of subscriptions-transport-ws
	SSE         = "sse"        // POST
	SSEGet      = "sse-get"
)

const (
	defaultRate  = 1000 // opened per second when OpenWithin is 0
	defaultSetup = 10 * time.Second
	goodbye      = 2 * time.Second // for the closing handshake
	firstWait    = 100 * time.Millisecond
	longestWait  = 5 * time.Second
	progressStep = 200 * time.Millisecond
	maxMessage   = 16 << 20 // bytes of one event
)

// Config says what to subscribe to.
type Config struct {
	Target         load.Target
	Name, Document string            // Name is the operation's; sent as operationName unless empty
	Variables      []byte            // JSON object; nil: none
	Protocol       string            // TransportWS when empty
	Open           int               // subscriptions; 1 when 0
	Headers        map[string]string // of the request that opens the stream
	Init           []byte            // JSON object: payload of connection_init; nil: none
	// TimePath leads to the time inside an event's payload, for instance data.tick.sentAt: RFC 3339, or Unix time in s, ms, µs or ns. Members of lists by
	// number. Empty: no delays.
	TimePath   string
	Duration   time.Duration // 0: until the context ends
	OpenWithin time.Duration // opening is spread evenly over it; 0: 1,000 per second
	Setup      time.Duration // for opening one; 10 s when 0
	// OnFailure is called with the first failure of each kind, from any goroutine; nil: nobody.
	OnFailure func(kind string, err error)
}

func (c Config) complete() (Config, error) {
	if c.Protocol == "" {
		c.Protocol = TransportWS
	}
	if c.Open == 0 {
		c.Open = 1
	}
	switch c.Protocol {
	case TransportWS, LegacyWS, SSE, SSEGet:
	default:
		return c, fmt.Errorf("subscription %q: protocol %q is unknown; use %s, %s, %s or %s", c.Name, c.Protocol, TransportWS, LegacyWS, SSE, SSEGet)
	}
	if min(time.Duration(c.Open), c.Duration, c.OpenWithin, c.Setup) < 0 {
		return c, fmt.Errorf("subscription %q: %d open, duration %v, opened within %v, setup %v: none may be negative",
			c.Name, c.Open, c.Duration, c.OpenWithin, c.Setup)
	}
	if strings.TrimSpace(c.Document) == "" {
		return c, fmt.Errorf("subscription %q: the document is empty; give the text of the subscription", c.Name)
	}
	for what, raw := range map[string][]byte{"variables": c.Variables, "connection_init payload": c.Init} {
		var object map[string]json.RawMessage
		if raw == nil {
			continue
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return c, fmt.Errorf("subscription %q: %s %.80q: %w; give a JSON object", c.Name, what, raw, err)
		}
	}
	if c.Setup == 0 {
		c.Setup = defaultSetup
	}
	if c.OpenWithin == 0 {
		c.OpenWithin = time.Duration(c.Open) * time.Second / defaultRate
	}
	return c, nil
}

// Run opens the subscriptions and keeps them open. The first is opened alone: when that fails nothing else is tried, and the error says why. The result is
// what was counted, also beside an error. progress, unless nil, is called several times a second and at the end, from one goroutine.
func Run(ctx context.Context, c Config, progress func(open, events int64)) (*result.Subscriptions, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	r := &run{Config: c, tally: newTally(&c), path: splitPath(c.TimePath)}
	r.open, err = r.opener()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	first, err := r.dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.fail(err)
			return r.tally.result(time.Since(began)), fmt.Errorf("subscription %q: %s did not open it over %s: %w; check the address, the path and the protocol",
				c.Name, c.Target.Address+c.Target.Path, c.Protocol, err)
		}
		return r.tally.result(time.Since(began)), nil
	}
	var work sync.WaitGroup
	work.Go(func() { r.keep(ctx, first) })
	work.Go(func() { r.openRest(ctx, &work) })
	r.watch(ctx, progress)
	elapsed := time.Since(began)
	work.Wait()
	return r.tally.result(elapsed), nil
}

// run is one run of subscriptions.
type run struct {
	Config
	tally *tally
	path  []string
	open  func(ctx context.Context) (stream, error)
}

// stream is one open subscription.
type stream interface {
	// next waits for an event and returns its payload, valid until the next call.
	next() ([]byte, error)
	// end completes and closes the stream. It is called once, also while next waits, which then returns.
	end()
}

// failure is an end before time, by kind.
type failure struct {
	kind string
	err  error
}

func (f *failure) Error() string { return f.kind + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failed(kind, format string, args ...any) error {
	return &failure{kind, fmt.Errorf(format, args...)}
}

// Kinds of failure; closed frames count as "closed CODE" and refused handshakes as "status CODE".
const (
	failConnect   = "connect"
	failIO        = "connection"
	failTimeout   = "timeout"
	failProtocol  = "protocol"
	failErrors    = "graphql errors"
	failCompleted = "completed by server"
	failNoTime    = "no time in event"
)

func (r *run) fail(err error) {
	f := &failure{failIO, err}
	_ = errors.As(err, &f) // else it stays a lost connection
	if r.tally.fail(f.kind) && r.OnFailure != nil {
		r.OnFailure(f.kind, f.err)
	}
}

// openRest opens all but the first subscription, evenly spread.
func (r *run) openRest(ctx context.Context, work *sync.WaitGroup) {
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 1; i < r.Open; i++ {
		timer.Reset(time.Until(began.Add(r.OpenWithin * time.Duration(i) / time.Duration(r.Open))))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			work.Go(func() { r.keep(ctx, nil) })
		}
	}
}

// watch reports progress until the end.
func (r *run) watch(ctx context.Context, progress func(open, events int64)) {
	if progress == nil {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(progressStep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			progress(r.tally.now())
			return
		case <-ticker.C:
			progress(r.tally.now())
		}
	}
}

// keep holds one subscription open until the context ends.
func (r *run) keep(ctx context.Context, s stream) {
	wait := firstWait
	for {
		var err error
		if s == nil {
			s, err = r.dial(ctx)
		}
		if err == nil {
			var events int
			if events, err = r.read(ctx, s); events > 0 {
				wait = firstWait
			}
			s = nil
		}
		if ctx.Err() != nil {
			return
		}
		r.fail(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait = min(2*wait, longestWait)
		}
	}
}

// dial opens a stream and counts it.
func (r *run) dial(ctx context.Context) (stream, error) {
	began := time.Now()
	s, err := r.open(ctx)
	if err == nil {
		r.tally.opened(time.Since(began))
	}
	return s, err
}

// read takes events from s until it fails or the context ends, and ends it.
func (r *run) read(ctx context.Context, s stream) (events int, err error) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		s.end()
	})
	for {
		payload, err := s.next()
		if err != nil {
			if stop() {
				r.tally.closed()
				s.end()
			} else {
				<-ended
			}
			return events, err
		}
		events++
		r.take(payload, time.Now())
	}
}

// take counts one event.
func (r *run) take(payload []byte, at time.Time) {
	problems := member(payload, "errors")
	delay, timed := time.Duration(0), false
	if len(r.path) > 0 {
		var sent time.Time
		if sent, timed = instant.Parse(lookup(payload, r.path)); timed {
			delay = at.Sub(sent)
		}
	}
	r.tally.event(len(payload), delay, timed)
	switch {
	case len(problems) > 0 && problems[0] == '[' && len(member(problems, "0")) > 0:
		r.fail(failed(failErrors, "%.200s", problems))
	case len(r.path) > 0 && !timed:
		r.fail(failed(failNoTime, "nothing at %s in %.200s", r.TimePath, payload))
	}
}

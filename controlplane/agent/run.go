package agent

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/weirproxy/weir/controlplane/api/weirv1/weirv1connect"
)

const (
	backoffBase = 200 * time.Millisecond
	backoffMax  = 15 * time.Second
	settled     = 5 * time.Second // a stream that lived this long starts the back-off anew
	dialTimeout = 5 * time.Second
	firstWord   = 10 * time.Second // from opening the stream to Welcome
	maxMessage  = 4 << 20
)

// Agent follows one control plane. Make it with New, then call Run once.
type Agent struct {
	cfg       Config
	log       *slog.Logger
	disk      disk
	ledger    *ledger
	transport *http.Transport
	client    weirv1connect.ControlServiceClient
	recalled  chan struct{}

	mu        sync.Mutex
	status    Status
	nackHash  string
	confirmed time.Time // when the server last stood behind the configuration in force
}

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Agent, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	tell := cfg.Commands
	if tell == nil {
		tell = func([]Command) {}
	}
	transport := newTransport(strings.HasPrefix(cfg.URL, "https:"))
	return &Agent{
		recalled: make(chan struct{}), cfg: cfg, log: log, disk: disk{dir: cfg.StateDir, log: log}, ledger: newLedger(tell), transport: transport,
		client: weirv1connect.NewControlServiceClient(&http.Client{Transport: transport}, strings.TrimRight(cfg.URL, "/"),
			connect.WithGRPC(), connect.WithReadMaxBytes(maxMessage)),
	}, nil
}

// newTransport speaks HTTP/2 alone, over TLS or plain, and notices a peer that is gone.
func newTransport(tls bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(tls)
	protocols.SetUnencryptedHTTP2(!tls)
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		Protocols:           protocols,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
}

// Recalled is closed when Run has put the last-known-good state in force, as far as there is one. The control plane is not waited for.
func (a *Agent) Recalled() <-chan struct{} { return a.recalled }

// Run loads the last-known-good state, then follows the control plane until ctx ends. Its error is that of ctx. It is called once.
func (a *Agent) Run(ctx context.Context) error {
	a.recall(ctx)
	close(a.recalled)
	var clerk sync.WaitGroup
	clerk.Go(func() { a.ledger.run(ctx) })
	defer clerk.Wait()
	defer a.transport.CloseIdleConnections()
	failures := 0
	for ctx.Err() == nil {
		opened := time.Now()
		err := a.follow(ctx)
		a.lost(ctx, err)
		if time.Since(opened) > settled {
			failures = 0
		}
		pause(ctx, backoff(failures))
		failures++
	}
	return ctx.Err()
}

// backoff is full jitter under a doubling bound.
func backoff(failures int) time.Duration {
	bound := min(backoffMax, backoffBase<<min(failures, 16))
	return rand.N(bound) + time.Millisecond
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// lost notes the end of a stream and logs it once per outage and reason.
func (a *Agent) lost(ctx context.Context, err error) {
	text := "the server ended the stream"
	if err != nil {
		text = err.Error()
	}
	a.mu.Lock()
	before, was := a.status.LastError, a.status.Connected
	a.status.Connected = false
	a.status.LastError = text
	if was {
		a.confirmed = time.Now()
	}
	a.mu.Unlock()
	if ctx.Err() != nil || text == before {
		return
	}
	a.log.Warn("control plane not reachable, what is in force serves on", "url", a.cfg.URL, "error", text, "cure", cure(err))
}

// cure says what an operator can do about the end of a stream.
func cure(err error) string {
	var refused *connect.Error
	if errors.As(err, &refused) {
		switch refused.Code() {
		case connect.CodeUnauthenticated, connect.CodePermissionDenied:
			return "give this sidecar a token that weir-control knows"
		case connect.CodeInvalidArgument:
			return "correct this sidecar's identity"
		}
	}
	return "none needed, it is tried again for ever"
}

// Status tells how things stand now.
func (a *Agent) Status() Status {
	commands := a.ledger.count()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.status
	s.Refused = slices.Clone(s.Refused)
	s.Commands = commands
	if !s.Connected && s.Version > 0 {
		s.LKGAge = max(0, time.Since(a.confirmed))
	}
	return s
}

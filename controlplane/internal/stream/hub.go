package stream

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
	"github.com/weirproxy/weir/controlplane/internal/store"
)

// MaxAbsent bounds how many sidecars that are gone are remembered.
const MaxAbsent = 1000

// Config says how to speak.
type Config struct {
	Heartbeat  time.Duration      // how often either side speaks at least; also sent to the sidecar
	StreamLife time.Duration      // after which a stream is ended, ± 20 %
	SigningKey ed25519.PrivateKey // nil: snapshots are not signed
	Version    string             // of this program
	Logger     *slog.Logger
}

// Hub holds the streams. It is the handler of weirv1connect.ControlService.
type Hub struct {
	cfg  Config
	view atomic.Pointer[store.View]

	closing chan struct{}
	once    sync.Once
	readers sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at each Publish
	sidecars map[identity]*sidecar
	wakes    map[*session]struct{}
}

type identity struct{ service, instance string }

// sidecar is what is known of one; the owner is the newest stream of that identity, others do not write.
type sidecar struct {
	api.Sidecar
	owner    *session
	accepted []string
}

// New makes a hub without a view: until Publish sidecars are welcomed and get nothing.
func New(c Config) *Hub {
	return &Hub{cfg: c, closing: make(chan struct{}), changed: make(chan struct{}), sidecars: make(map[identity]*sidecar), wakes: make(map[*session]struct{})}
}

// Publish makes a view the present one and wakes all streams.
func (h *Hub) Publish(v *store.View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.view.Store(v)
	close(h.changed)
	h.changed = make(chan struct{})
	for s := range h.wakes {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Await returns when the present view has a scope's document in this version or a newer one, or when ctx ends: who stored it then sees in Sidecars who should
// have it.
func (h *Hub) Await(ctx context.Context, scope string, version uint64) {
	for {
		h.mu.Lock()
		view, changed := h.view.Load(), h.changed
		h.mu.Unlock()
		if view != nil && view.Documents[scope].GetVersion() >= version {
			return
		}
		select {
		case <-changed:
		case <-h.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Close ends all streams and refuses new ones. Wait waits for their readers, after the HTTP server is down.
func (h *Hub) Close() { h.once.Do(func() { close(h.closing) }) }

// Wait returns when nothing of a stream is left.
func (h *Hub) Wait() { h.readers.Wait() }

// Follow is the stream of one sidecar.
func (h *Hub) Follow(ctx context.Context, stream *connect.BidiStream[weirv1.FollowRequest, weirv1.FollowResponse]) error {
	first, err := stream.Receive()
	if err != nil {
		return err
	}
	hello := first.GetHello()
	if hello == nil {
		return connect.NewError(connect.CodeInvalidArgument, errNoHello)
	}
	id := hello.GetIdentity()
	if err := api.CheckService(id.GetService()); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err)
	}
	who := identity{service: id.GetService(), instance: id.GetInstance()}
	if who.instance == "" {
		who.instance = stream.Peer().Addr
	}
	s := newSession(h, who, hello, stream)
	h.enter(s, hello)
	defer h.leave(s)
	return s.run(ctx)
}

// life is a stream's, jittered.
func (h *Hub) life() time.Duration {
	fifth := h.cfg.StreamLife / 5
	return h.cfg.StreamLife - fifth + rand.N(2*fifth+1)
}

func (h *Hub) enter(s *session, hello *weirv1.Hello) {
	now := time.Now()
	id := hello.GetIdentity()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wakes[s] = struct{}{}
	known := h.sidecars[s.who]
	if known == nil {
		known = new(sidecar)
		h.sidecars[s.who] = known
	}
	nack := known.Nack
	known.owner, known.accepted = s, nil
	known.Sidecar = api.Sidecar{
		Service: s.who.service, Instance: s.who.instance, Environment: id.GetEnvironment(), Program: id.GetVersion(), Labels: id.GetLabels(),
		Connected: true, Since: now, LastHeard: now, Version: hello.GetVersion(), Hash: hello.GetHash(),
	}
	switch {
	case hello.GetRejectedVersion() > 0 && (nack == nil || nack.Version != hello.GetRejectedVersion()):
		known.Nack = &api.Nack{Version: hello.GetRejectedVersion(), Reason: hello.GetRejectedReason(), At: now}
	case hello.GetRejectedVersion() > 0:
		known.Nack = nack
	}
}

func (h *Hub) leave(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.wakes, s)
	if known := h.sidecars[s.who]; known != nil && known.owner == s {
		known.owner, known.accepted = nil, nil
		known.Connected, known.Since = false, time.Now()
		h.forget()
	}
}

// forget drops the sidecar longest gone when too many are. The caller holds the lock.
func (h *Hub) forget() {
	var oldest *identity
	absent := 0
	for who, known := range h.sidecars {
		if known.Connected {
			continue
		}
		absent++
		if oldest == nil || known.Since.Before(h.sidecars[*oldest].Since) {
			oldest = &who
		}
	}
	if absent > MaxAbsent {
		delete(h.sidecars, *oldest)
	}
}

// note changes what is known of a session's sidecar, unless a newer stream of the same sidecar took over.
func (h *Hub) note(s *session, change func(*sidecar)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.sidecars[s.who]; known != nil && known.owner == s {
		known.LastHeard = time.Now()
		change(known)
	}
}

// Sidecars lists all that are known, by service and instance.
func (h *Hub) Sidecars() []api.Sidecar {
	view, now := h.view.Load(), time.Now()
	h.mu.Lock()
	out := make([]api.Sidecar, 0, len(h.sidecars))
	for _, known := range h.sidecars {
		sc := known.Sidecar
		sc.Want = view.Document(sc.Service).GetVersion()
		alive := make(map[string]bool)
		for _, c := range view.CommandsFor(sc.Service, now) {
			alive[c.GetId()] = true
		}
		sc.Commands, sc.Refused = 0, nil
		for _, id := range known.accepted {
			if alive[id] {
				sc.Commands++
			}
		}
		for _, r := range known.Refused {
			if alive[r.ID] {
				sc.Refused = append(sc.Refused, r)
			}
		}
		out = append(out, sc)
	}
	h.mu.Unlock()
	slices.SortFunc(out, func(a, b api.Sidecar) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Instance, b.Instance))
	})
	return out
}

// Answers counts, by command, the connected sidecars that accepted and those that refused it.
func (h *Hub) Answers() (accepted, refused map[string]int) {
	accepted, refused = make(map[string]int), make(map[string]int)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, known := range h.sidecars {
		if !known.Connected {
			continue
		}
		for _, id := range known.accepted {
			accepted[id]++
		}
		for _, r := range known.Refused {
			refused[r.ID]++
		}
	}
	return accepted, refused
}

// Connected counts the streams.
func (h *Hub) Connected() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.wakes)
}

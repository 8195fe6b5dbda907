package stream

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

var (
	errNoHello = errors.New("the first message must be hello")
	errSilent  = errors.New("the sidecar was silent for too long")
	errClosing = errors.New("the server is stopping")
	errNonce   = errors.New("an answer to something that was not sent")
)

const patience = 3 // heartbeats that may be missed

// session is one stream. Its run goroutine owns all fields but wake.
type session struct {
	hub    *Hub
	who    identity
	stream *connect.BidiStream[weirv1.FollowRequest, weirv1.FollowResponse]
	wake   chan struct{}
	nonces uint64

	version, refused  uint64 // in force there; newest it refused
	hash, refusedHash string
	offered           *weirv1.Document // on its way, nil when none is
	offeredNonce      string
	told              bool
	sent              []lease // commands it was told last
	commandsNonce     string  // of the set on its way, empty when none is
	lastHeard         time.Time
}

type lease struct {
	id         string
	generation uint64
	expires    time.Time
}

func newSession(h *Hub, who identity, hello *weirv1.Hello, stream *connect.BidiStream[weirv1.FollowRequest, weirv1.FollowResponse]) *session {
	return &session{
		hub: h, who: who, stream: stream, wake: make(chan struct{}, 1), version: hello.GetVersion(), hash: hello.GetHash(),
		refused: hello.GetRejectedVersion(), refusedHash: hello.GetRejectedHash(), lastHeard: time.Now(),
	}
}

// run speaks until either side ends the stream. The reader goroutine ends with the stream, soon after run returned.
func (s *session) run(ctx context.Context) error {
	incoming := make(chan *weirv1.FollowRequest)
	ended := make(chan struct{})
	done := make(chan struct{})
	defer close(done)
	s.hub.readers.Go(func() {
		defer close(ended)
		for {
			m, err := s.stream.Receive()
			if err != nil {
				return // the sidecar went away; why does not matter here
			}
			select {
			case incoming <- m:
			case <-done:
				return
			}
		}
	})
	welcome := &weirv1.Welcome{Heartbeat: durationpb.New(s.hub.cfg.Heartbeat), Server: s.hub.cfg.Version}
	if err := s.stream.Send(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Welcome{Welcome: welcome}}); err != nil {
		return err
	}
	tick := time.NewTicker(s.hub.cfg.Heartbeat)
	defer tick.Stop()
	life := time.NewTimer(s.hub.life())
	defer life.Stop()
	for {
		if err := s.offer(); err != nil {
			return err
		}
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.hub.closing:
			return connect.NewError(connect.CodeUnavailable, errClosing)
		case <-life.C:
			return nil
		case <-ended:
			return nil
		case <-s.wake:
		case m := <-incoming:
			err = s.hear(m)
		case <-tick.C:
			err = s.beat()
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) beat() error {
	if time.Since(s.lastHeard) > patience*s.hub.cfg.Heartbeat {
		return connect.NewError(connect.CodeDeadlineExceeded, errSilent)
	}
	return s.stream.Send(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Heartbeat{Heartbeat: &weirv1.Heartbeat{Now: timestamppb.Now()}}})
}

func (s *session) nonce() string {
	s.nonces++
	return strconv.FormatUint(s.nonces, 10)
}

// offer sends what the sidecar lacks, if nothing of that sort is on its way.
func (s *session) offer() error {
	view := s.hub.view.Load()
	if view == nil {
		return nil
	}
	if doc := view.Document(s.who.service); doc != nil && s.offered == nil && s.lacks(doc) {
		s.offered, s.offeredNonce = doc, s.nonce()
		snap := &weirv1.Snapshot{Version: doc.GetVersion(), Hash: doc.GetHash(), Config: doc.GetConfig(), Scope: doc.GetScope(), Nonce: s.offeredNonce}
		if s.hub.cfg.SigningKey != nil {
			snap.Signature = api.SignSnapshot(s.hub.cfg.SigningKey, snap.Version, snap.Scope, snap.Hash)
		}
		if err := s.stream.Send(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Snapshot{Snapshot: snap}}); err != nil {
			return err
		}
	}
	if s.commandsNonce != "" {
		return nil
	}
	now := time.Now()
	commands := view.CommandsFor(s.who.service, now)
	if s.told && s.knows(commands, now) {
		return nil
	}
	s.told, s.commandsNonce = true, s.nonce()
	s.sent = s.sent[:0]
	for _, c := range commands {
		s.sent = append(s.sent, lease{id: c.GetId(), generation: c.GetGeneration(), expires: c.GetExpires().AsTime()})
	}
	set := &weirv1.CommandSet{Revision: view.Revision, Nonce: s.commandsNonce, Now: timestamppb.New(now), Commands: commands}
	return s.stream.Send(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Commands{Commands: set}})
}

// lacks tells whether a document should be offered: the sidecar has another one and did not refuse this one.
func (s *session) lacks(doc *weirv1.Document) bool {
	if doc.GetVersion() == s.version && doc.GetHash() == s.hash {
		return false
	}
	return doc.GetVersion() != s.refused || doc.GetHash() != s.refusedHash
}

// knows tells whether the sidecar was told exactly these commands; those that ended by themselves need no word.
func (s *session) knows(commands []*weirv1.Command, now time.Time) bool {
	s.sent = slices.DeleteFunc(s.sent, func(l lease) bool { return !l.expires.After(now) })
	return slices.EqualFunc(s.sent, commands, func(l lease, c *weirv1.Command) bool {
		return l.id == c.GetId() && l.generation == c.GetGeneration()
	})
}

// hear notes one message of the sidecar.
func (s *session) hear(m *weirv1.FollowRequest) error {
	s.lastHeard = time.Now()
	switch body := m.GetBody().(type) {
	case *weirv1.FollowRequest_Ack:
		return s.acknowledged(body.Ack)
	case *weirv1.FollowRequest_Nack:
		return s.rejected(body.Nack)
	case *weirv1.FollowRequest_Report:
		return s.reported(body.Report)
	}
	s.hub.note(s, func(*sidecar) {})
	return nil
}

func (s *session) acknowledged(a *weirv1.Ack) error {
	if s.offered == nil || a.GetNonce() != s.offeredNonce {
		return connect.NewError(connect.CodeInvalidArgument, errNonce)
	}
	s.version, s.hash = s.offered.GetVersion(), s.offered.GetHash()
	s.offered = nil
	s.hub.note(s, func(known *sidecar) {
		known.Version, known.Hash = s.version, s.hash
		if known.Nack != nil && known.Nack.Version < s.version {
			known.Nack = nil
		}
	})
	return nil
}

func (s *session) rejected(n *weirv1.Nack) error {
	if s.offered == nil || n.GetNonce() != s.offeredNonce {
		return connect.NewError(connect.CodeInvalidArgument, errNonce)
	}
	s.refused, s.refusedHash = s.offered.GetVersion(), s.offered.GetHash()
	s.offered = nil
	s.hub.note(s, func(known *sidecar) {
		known.Nack = &api.Nack{Version: s.refused, Reason: n.GetReason(), At: time.Now()}
	})
	s.hub.cfg.Logger.Warn("configuration refused by a sidecar", "service", s.who.service, "instance", s.who.instance, "version", s.refused, "reason", n.GetReason())
	return nil
}

func (s *session) reported(r *weirv1.CommandReport) error {
	if s.commandsNonce == "" || r.GetNonce() != s.commandsNonce {
		return connect.NewError(connect.CodeInvalidArgument, errNonce)
	}
	s.commandsNonce = ""
	s.hub.note(s, func(known *sidecar) {
		known.accepted = r.GetAccepted()
		known.Refused = nil
		for _, f := range r.GetRefused() {
			known.Refused = append(known.Refused, api.Refusal{ID: f.GetId(), Reason: f.GetReason()})
		}
	})
	return nil
}

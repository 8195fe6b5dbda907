package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

var errSilent = errors.New("the server was silent for too long")

type followStream = connect.BidiStreamForClient[weirv1.FollowRequest, weirv1.FollowResponse]

// session is one stream: one goroutine reads and acts, one keeps it alive.
type session struct {
	a      *Agent
	stream *followStream

	sending sync.Mutex // a stream takes one sender at a time

	heard    atomic.Int64 // unix ns of the last message
	busy     atomic.Bool  // the reader is applying a configuration and hears nothing meanwhile
	interval chan time.Duration
}

// follow opens a stream and lives with it to its end.
func (a *Agent) follow(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stream := a.client.Follow(ctx)
	if a.cfg.Token != "" {
		stream.RequestHeader().Set("Authorization", "Bearer "+a.cfg.Token)
	}
	// The HTTP/2 transport notices the end of ctx only when its read of the request body returns, so that end is made here.
	defer context.AfterFunc(ctx, func() { _ = stream.CloseRequest() })()
	s := &session{a: a, stream: stream, interval: make(chan time.Duration, 1)}
	s.heard.Store(time.Now().UnixNano())
	var keeper sync.WaitGroup
	keeper.Go(func() { s.keepAlive(ctx, cancel) })
	err := s.live(ctx)
	if cause := context.Cause(ctx); cause != nil && parent.Err() == nil {
		err = cause
	}
	cancel(nil)
	keeper.Wait()
	// Both ends were cancelled: what closing says adds nothing.
	_ = stream.CloseRequest()
	_ = stream.CloseResponse()
	return err
}

// live says hello and answers until the stream ends.
func (s *session) live(ctx context.Context) error {
	if err := s.send(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Hello{Hello: s.a.hello()}}); err != nil {
		// The reason, such as a refused token, comes with the answer.
		if _, rerr := s.stream.Receive(); rerr != nil {
			return rerr
		}
		return err
	}
	for {
		m, err := s.stream.Receive()
		if err != nil {
			return err
		}
		s.heard.Store(time.Now().UnixNano())
		if err := s.answer(ctx, m); err != nil {
			return err
		}
	}
}

// answer acts on one message.
func (s *session) answer(ctx context.Context, m *weirv1.FollowResponse) error {
	switch body := m.GetBody().(type) {
	case *weirv1.FollowResponse_Welcome:
		s.a.welcomed()
		if d := body.Welcome.GetHeartbeat().AsDuration(); d > 0 {
			select {
			case s.interval <- d:
			default:
			}
		}
	case *weirv1.FollowResponse_Snapshot:
		snap := body.Snapshot
		s.busy.Store(true)
		err := s.a.take(ctx, snap)
		s.heard.Store(time.Now().UnixNano())
		s.busy.Store(false)
		if err != nil {
			return s.send(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Nack{Nack: &weirv1.Nack{Nonce: snap.GetNonce(), Version: snap.GetVersion(), Reason: bounded(err)}}})
		}
		return s.send(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Ack{Ack: &weirv1.Ack{Nonce: snap.GetNonce(), Version: snap.GetVersion(), Hash: snap.GetHash()}}})
	case *weirv1.FollowResponse_Commands:
		return s.send(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Report{Report: s.a.obey(body.Commands)}})
	}
	return nil // a heartbeat, or a message of a newer server
}

// bounded keeps a reason to a size that a person reads.
func bounded(err error) string {
	const most = 4 << 10
	text := err.Error()
	if len(text) > most {
		return fmt.Sprintf("%s… (%d bytes)", text[:most], len(text))
	}
	return text
}

func (s *session) send(m *weirv1.FollowRequest) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	return s.stream.Send(m)
}

// keepAlive sends heartbeats and ends a stream on which nothing comes.
func (s *session) keepAlive(ctx context.Context, end context.CancelCauseFunc) {
	every := firstWord
	patience := firstWord
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case every = <-s.interval:
			patience = 3 * every
			tick.Reset(every)
			continue
		case <-tick.C:
		}
		if silent := time.Since(time.Unix(0, s.heard.Load())); silent > patience && !s.busy.Load() {
			end(errSilent)
			return
		}
		if err := s.send(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Heartbeat{Heartbeat: &weirv1.Heartbeat{Now: timestamppb.Now()}}}); err != nil {
			return // the reader hears the same
		}
	}
}

// hello says who this is and what it holds.
func (a *Agent) hello() *weirv1.Hello {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := a.cfg.Identity
	return &weirv1.Hello{
		Identity: &weirv1.Identity{Service: id.Service, Instance: id.Instance, Environment: id.Environment, Version: id.Version, Labels: maps.Clone(id.Labels)},
		Version:  a.status.Version, Hash: a.status.Hash,
		RejectedVersion: a.status.NackVersion, RejectedReason: a.status.LastNack, RejectedHash: a.nackHash,
	}
}

// welcomed notes that the stream stands.
func (a *Agent) welcomed() {
	a.mu.Lock()
	a.status.Connected = true
	a.status.LastError = ""
	a.status.Connects++
	a.mu.Unlock()
	a.log.Info("control plane connected", "url", a.cfg.URL)
}

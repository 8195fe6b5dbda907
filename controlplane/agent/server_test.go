package agent

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
	"github.com/weirproxy/weir/controlplane/api/weirv1/weirv1connect"
)

const deadline = 20 * time.Second

// director is a control plane whose every word the test says.
type director struct {
	t     *testing.T
	url   string
	token string
	peers chan *peer
	done  chan struct{}
	ended sync.Once
}

// peer is one stream as the director sees it.
type peer struct {
	t     *testing.T
	hello *weirv1.Hello
	say   chan *weirv1.FollowResponse
	heard chan *weirv1.FollowRequest
	hang  chan struct{} // closed to end the stream
}

// direct starts a director on an address, "" for a free one.
func direct(t *testing.T, addr string) *director {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	d := &director{t: t, url: "http://" + listener.Addr().String(), peers: make(chan *peer, 100), done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle(weirv1connect.NewControlServiceHandler(d))
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: mux, Protocols: protocols, ReadHeaderTimeout: deadline}
	served := make(chan struct{})
	go func() { _ = server.Serve(listener); close(served) }()
	t.Cleanup(func() {
		d.end()
		_ = server.Close()
		<-served
	})
	return d
}

func (d *director) end() { d.ended.Do(func() { close(d.done) }) }

func (d *director) Follow(ctx context.Context, stream *connect.BidiStream[weirv1.FollowRequest, weirv1.FollowResponse]) error {
	if d.token != "" && stream.RequestHeader().Get("Authorization") != "Bearer "+d.token {
		return connect.NewError(connect.CodeUnauthenticated, errors.New("who are you"))
	}
	first, err := stream.Receive()
	if err != nil {
		return err
	}
	p := &peer{t: d.t, hello: first.GetHello(), say: make(chan *weirv1.FollowResponse), heard: make(chan *weirv1.FollowRequest, 100), hang: make(chan struct{})}
	d.peers <- p
	go func() {
		for {
			m, err := stream.Receive()
			if err != nil {
				return
			}
			if m.GetHeartbeat() == nil {
				p.heard <- m
			}
		}
	}()
	for {
		select {
		case m := <-p.say:
			if err := stream.Send(m); err != nil {
				return err
			}
		case <-p.hang:
			return nil
		case <-d.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func within[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// next is the next stream, welcomed.
func (d *director) next() *peer {
	d.t.Helper()
	p := within(d.t, "a stream", d.peers)
	p.tell(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Welcome{Welcome: &weirv1.Welcome{Heartbeat: durationpb.New(time.Second)}}})
	return p
}

func (p *peer) tell(m *weirv1.FollowResponse) {
	p.t.Helper()
	select {
	case p.say <- m:
	case <-time.After(deadline):
		p.t.Fatal("the stream takes no message")
	}
}

func snapshot(version uint64, config string) *weirv1.Snapshot {
	return &weirv1.Snapshot{Version: version, Hash: api.Hash([]byte(config)), Config: []byte(config), Nonce: "n" + config}
}

// push sends a snapshot and returns the reason of the refusal, empty when it was acknowledged.
func (p *peer) push(s *weirv1.Snapshot) string {
	p.t.Helper()
	p.tell(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Snapshot{Snapshot: s}})
	m := within(p.t, "an answer to a snapshot", p.heard)
	switch {
	case m.GetAck() != nil:
		if m.GetAck().GetNonce() != s.GetNonce() || m.GetAck().GetVersion() != s.GetVersion() || m.GetAck().GetHash() != s.GetHash() {
			p.t.Errorf("acknowledged %v", m.GetAck())
		}
		return ""
	case m.GetNack() != nil:
		if m.GetNack().GetNonce() != s.GetNonce() || m.GetNack().GetVersion() != s.GetVersion() || m.GetNack().GetReason() == "" {
			p.t.Errorf("refused %v", m.GetNack())
		}
		return m.GetNack().GetReason()
	}
	p.t.Fatalf("the answer to a snapshot is %v", m)
	return ""
}

// command sends a set and returns the report.
func (p *peer) command(list ...*weirv1.Command) *weirv1.CommandReport {
	p.t.Helper()
	p.tell(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Commands{Commands: &weirv1.CommandSet{Revision: 7, Nonce: "c", Now: timestamppb.Now(), Commands: list}}})
	report := within(p.t, "a report", p.heard).GetReport()
	if report.GetNonce() != "c" || report.GetRevision() != 7 {
		p.t.Errorf("report %v", report)
	}
	return report
}

// rig is an agent under test, with what it told its owner.
type rig struct {
	*Agent
	t        *testing.T
	applied  chan Snapshot
	commands chan []Command
	stop     func()
	log      *lines
}

// start runs an agent. An Apply of a configuration that contains "bad" fails, one that contains "panic" panics.
func start(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, applied: make(chan Snapshot, 100), commands: make(chan []Command, 100), log: new(lines)}
	if cfg.Apply == nil {
		cfg.Apply = func(_ context.Context, s Snapshot) error {
			if strings.Contains(string(s.Config), "panic") {
				panic("no such thing")
			}
			if strings.Contains(string(s.Config), "bad") {
				return errors.New("line 1: bad is no good")
			}
			r.applied <- s
			return nil
		}
	}
	if cfg.Commands == nil {
		cfg.Commands = func(set []Command) { r.commands <- set }
	}
	if cfg.Identity.Service == "" {
		cfg.Identity = Identity{Service: "geo", Instance: "geo-1", Environment: "test", Version: "1.2.3", Labels: map[string]string{"zone": "a"}}
	}
	cfg.Logger = r.log.logger()
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Agent = a
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := within(t, "the agent's end", done); !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) apply(version uint64, config, source string) {
	r.t.Helper()
	s := within(r.t, "a configuration", r.applied)
	if s.Version != version || string(s.Config) != config || s.Source != source || s.Hash != api.Hash([]byte(config)) {
		r.t.Fatalf("applied version %d %q from %s; want version %d %q from %s", s.Version, s.Config, s.Source, version, config, source)
	}
}

func (r *rig) obeys(ids ...string) []Command {
	r.t.Helper()
	set := within(r.t, "a set of commands", r.commands)
	var got []string
	for _, c := range set {
		got = append(got, c.ID)
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") {
		r.t.Fatalf("obeys %v, want %v", got, ids)
	}
	return set
}

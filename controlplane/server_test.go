package controlplane

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.uber.org/goleak"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
	"github.com/weirproxy/weir/controlplane/api/weirv1/weirv1connect"
	"github.com/weirproxy/weir/controlplane/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	adminToken   = "admin-token-1"
	sidecarToken = "sidecar-token-1"
	deadline     = 20 * time.Second
)

// running is a server under test.
type running struct {
	t    *testing.T
	url  string
	api  *client.Client
	stop func()
}

func start(t *testing.T, cfg Config) *running {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = time.Second
	}
	cfg.Tokens = []Token{{"root", RoleAdmin, adminToken}, {"mesh", RoleSidecar, sidecarToken}}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := within(t, "the server's end", done); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	select {
	case <-s.Ready():
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	url := "http://" + s.Addr().String()
	c, err := client.New(client.Config{URL: url, Token: adminToken, Actor: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &running{t: t, url: url, api: c, stop: stop}
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

// waitFor looks again and again, for what cannot be waited for by an event.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(deadline)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come to hold", what)
		}
	}
}

// follower is a sidecar whose every word the test says.
type follower struct {
	t      *testing.T
	stream *connect.BidiStreamForClient[weirv1.FollowRequest, weirv1.FollowResponse]
	heard  chan *weirv1.FollowResponse
	ended  chan error
	close  func()
}

func (r *running) follow(hello *weirv1.Hello, token string, options ...connect.ClientOption) *follower {
	r.t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{t: r.t, heard: make(chan *weirv1.FollowResponse, 100), ended: make(chan error, 1)}
	f.stream = weirv1connect.NewControlServiceClient(&http.Client{Transport: transport}, r.url, options...).Follow(ctx)
	f.stream.RequestHeader().Set("Authorization", "Bearer "+token)
	_ = f.stream.Send(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Hello{Hello: hello}}) // a refusal is read below
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			m, err := f.stream.Receive()
			if err != nil {
				f.ended <- err
				return
			}
			if m.GetHeartbeat() == nil && m.GetWelcome() == nil {
				f.heard <- m
			}
		}
	}()
	var once sync.Once
	f.close = func() {
		once.Do(func() {
			cancel()
			_ = f.stream.CloseRequest()
			within(r.t, "the reader's end", read)
			_ = f.stream.CloseResponse()
			transport.CloseIdleConnections()
		})
	}
	r.t.Cleanup(f.close)
	return f
}

func (r *running) sidecar(service, instance string, version uint64, config string) *follower {
	r.t.Helper()
	hello := &weirv1.Hello{Identity: &weirv1.Identity{Service: service, Instance: instance, Version: "1.0", Labels: map[string]string{"zone": "a"}}, Version: version}
	if version > 0 {
		hello.Hash = api.Hash([]byte(config))
	}
	return r.follow(hello, sidecarToken, connect.WithGRPC())
}

func (f *follower) say(m *weirv1.FollowRequest) {
	f.t.Helper()
	if err := f.stream.Send(m); err != nil {
		f.t.Error(err)
	}
}

func (f *follower) snapshot() *weirv1.Snapshot {
	f.t.Helper()
	s := within(f.t, "a snapshot", f.heard).GetSnapshot()
	if s == nil || s.GetHash() != api.Hash(s.GetConfig()) {
		f.t.Fatalf("it is no sound snapshot: %v", s)
	}
	return s
}

func (f *follower) ack(s *weirv1.Snapshot) {
	f.say(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Ack{Ack: &weirv1.Ack{Nonce: s.GetNonce(), Version: s.GetVersion(), Hash: s.GetHash()}}})
}

func (f *follower) nack(s *weirv1.Snapshot, reason string) {
	f.say(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Nack{Nack: &weirv1.Nack{Nonce: s.GetNonce(), Version: s.GetVersion(), Reason: reason}}})
}

// commands reads a set, accepts what is not refused, and returns the ids.
func (f *follower) commands(refused ...string) (ids []string) {
	f.t.Helper()
	set := within(f.t, "a set of commands", f.heard).GetCommands()
	if set == nil {
		f.t.Fatal("it is no set of commands")
	}
	report := &weirv1.CommandReport{Nonce: set.GetNonce(), Revision: set.GetRevision()}
	for _, c := range set.GetCommands() {
		ids = append(ids, c.GetId())
		if strings.Contains(strings.Join(refused, " "), c.GetKind()) {
			report.Refused = append(report.Refused, &weirv1.Refusal{Id: c.GetId(), Reason: "cannot"})
		} else {
			report.Accepted = append(report.Accepted, c.GetId())
		}
	}
	f.say(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Report{Report: report}})
	return ids
}

func (r *running) apply(config, service string) api.Document {
	r.t.Helper()
	doc, err := r.api.Apply(context.Background(), []byte(config), client.ApplyOptions{Service: service})
	if err != nil {
		r.t.Fatal(err)
	}
	return doc
}

func (r *running) find(instance string) api.Sidecar {
	r.t.Helper()
	list, err := r.api.Sidecars(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range list {
		if s.Instance == instance {
			return s
		}
	}
	return api.Sidecar{}
}

// request is a raw call of the API.
func (r *running) request(method, path, token, body string) (status int, answer string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestConfigurationGoesToSidecarsAndBack(t *testing.T) {
	r := start(t, Config{})
	f := r.sidecar("geo", "geo-1", 0, "")
	f.commands()
	r.apply("a: 1", "")
	s := f.snapshot()
	if s.GetVersion() != 1 || string(s.GetConfig()) != "a: 1" || s.GetScope() != "" || s.GetNonce() == "" || len(s.GetSignature()) != 0 {
		t.Errorf("snapshot %v", s)
	}
	// What is stored while one is on its way is folded into the next.
	r.apply("a: 2", "")
	r.apply("a: 3", "")
	r.apply("b: 4", "orders")
	f.ack(s)
	s = f.snapshot()
	if s.GetVersion() != 3 {
		t.Errorf("snapshot %v", s)
	}
	f.ack(s)
	waitFor(t, "the acknowledgement", func() bool { return r.find("geo-1").Version == 3 })
	if sc := r.find("geo-1"); !sc.Connected || sc.Want != 3 || sc.Hash != s.GetHash() || sc.Service != "geo" || sc.Program != "1.0" || sc.Labels["zone"] != "a" || sc.Nack != nil {
		t.Errorf("sidecar %+v", sc)
	}
	// Its own document hides the one for all.
	r.apply("a: 5", "geo")
	s = f.snapshot()
	if s.GetVersion() != 5 || s.GetScope() != "geo" {
		t.Errorf("snapshot %v", s)
	}
	f.ack(s)
	r.apply("a: 6", "")
	r.apply("a: 7", "geo")
	if s = f.snapshot(); s.GetVersion() != 7 {
		t.Errorf("snapshot %v", s)
	}
	f.close()
	waitFor(t, "the end of the stream", func() bool { return !r.find("geo-1").Connected })
}

func TestRefusedVersionIsShownAndNotOfferedAgain(t *testing.T) {
	r := start(t, Config{})
	r.apply("a: 1", "")
	f := r.sidecar("geo", "geo-1", 0, "")
	s := f.snapshot()
	f.commands()
	f.nack(s, "line 1: no")
	waitFor(t, "the refusal", func() bool { return r.find("geo-1").Nack != nil })
	if sc := r.find("geo-1"); sc.Version != 0 || sc.Want != 1 || sc.Nack.Version != 1 || sc.Nack.Reason != "line 1: no" {
		t.Errorf("sidecar %+v", sc)
	}
	f.close()
	// It says so itself when it comes back, so the version is not offered again; a command shows that the stream is alive.
	f = r.follow(&weirv1.Hello{
		Identity: &weirv1.Identity{Service: "geo", Instance: "geo-1"}, RejectedVersion: 1, RejectedHash: s.GetHash(), RejectedReason: "line 1: no",
	}, sidecarToken, connect.WithGRPC())
	f.commands()
	if sc := r.find("geo-1"); sc.Nack == nil || sc.Nack.Reason != "line 1: no" {
		t.Errorf("sidecar %+v", sc)
	}
	r.apply("a: 2", "")
	s = f.snapshot()
	if s.GetVersion() != 2 {
		t.Errorf("snapshot %v", s)
	}
	f.ack(s)
	waitFor(t, "the acknowledgement", func() bool { sc := r.find("geo-1"); return sc.Version == 2 && sc.Nack == nil })
}

func TestSidecarThatHasTheVersionGetsNothing(t *testing.T) {
	r := start(t, Config{})
	r.apply("a: 1", "")
	f := r.sidecar("geo", "geo-1", 1, "a: 1")
	f.commands() // first, and no snapshot before it
	other := r.sidecar("geo", "geo-2", 1, "a: other")
	if s := other.snapshot(); s.GetVersion() != 1 {
		t.Errorf("snapshot %v", s)
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	r := start(t, Config{Dir: dir})
	r.apply("a: 1", "")
	c, err := r.api.Command(context.Background(), api.CommandSpec{Kind: api.KindServeStale, Reason: "why"})
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	r = start(t, Config{Dir: dir})
	f := r.sidecar("geo", "geo-1", 0, "")
	if s := f.snapshot(); s.GetVersion() != 1 || string(s.GetConfig()) != "a: 1" {
		t.Errorf("snapshot %v", s)
	}
	if ids := f.commands(); len(ids) != 1 || ids[0] != c.ID {
		t.Errorf("commands %v", ids)
	}
	if doc := r.apply("a: 2", ""); doc.Version != 2 {
		t.Errorf("document %+v", doc)
	}
	audit, err := r.api.Audit(context.Background(), 10)
	if err != nil || len(audit) != 3 || audit[1].Action != "command.issue" || audit[1].Who != "root" || audit[1].Claims != "ann" || audit[1].Reason != "why" {
		t.Errorf("audit %+v, %v", audit, err)
	}
}

func TestCommandsGoToThoseMeant(t *testing.T) {
	r := start(t, Config{})
	ctx := context.Background()
	geo, orders := r.sidecar("geo", "geo-1", 0, ""), r.sidecar("orders", "orders-1", 0, "")
	geo.commands()
	orders.commands()
	forGeo, err := r.api.Command(ctx, api.CommandSpec{Kind: api.KindBypassCache, Service: "geo"})
	if err != nil {
		t.Fatal(err)
	}
	if ids := geo.commands(); len(ids) != 1 || ids[0] != forGeo.ID {
		t.Errorf("geo %v", ids)
	}
	forAll, err := r.api.Command(ctx, api.CommandSpec{Kind: api.KindServeStale, Operation: "Cities", TTL: "1h"})
	if err != nil {
		t.Fatal(err)
	}
	if ids := geo.commands(); len(ids) != 2 || ids[1] != forAll.ID {
		t.Errorf("geo %v", ids)
	}
	if ids := orders.commands(api.KindServeStale); len(ids) != 1 || ids[0] != forAll.ID {
		t.Errorf("orders %v", ids)
	}
	waitFor(t, "the reports", func() bool {
		list, err := r.api.Commands(ctx)
		return err == nil && len(list) == 2 && list[0].Accepted == 1 && list[1].Accepted == 1 && list[1].Refused == 1
	})
	if sc := r.find("orders-1"); sc.Commands != 0 || len(sc.Refused) != 1 || sc.Refused[0].Reason != "cannot" {
		t.Errorf("orders %+v", sc)
	}
	revoked, err := r.api.Revoke(ctx, forAll.ID, "done")
	if err != nil || !revoked.Revoked {
		t.Errorf("%+v, %v", revoked, err)
	}
	if ids := geo.commands(); len(ids) != 1 {
		t.Errorf("geo %v", ids)
	}
	if ids := orders.commands(); len(ids) != 0 {
		t.Errorf("orders %v", ids)
	}
}

func TestEndedCommandsAreNotListed(t *testing.T) {
	r := start(t, Config{})
	f := r.sidecar("geo", "geo-1", 0, "")
	f.commands()
	if _, err := r.api.Command(context.Background(), api.CommandSpec{Kind: api.KindServeStale, TTL: "1s"}); err != nil {
		t.Fatal(err)
	}
	f.commands()
	waitFor(t, "the end", func() bool {
		list, err := r.api.Commands(context.Background())
		return err == nil && len(list) == 0 && r.find("geo-1").Commands == 0
	})
}

func TestSnapshotsAreSigned(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{SigningKey: private})
	r.apply("a: 1", "geo")
	s := r.sidecar("geo", "geo-1", 0, "").snapshot()
	if err := api.VerifySnapshot(public, s.GetVersion(), s.GetScope(), s.GetHash(), s.GetSignature()); err != nil {
		t.Error(err)
	}
}

func TestAllProtocolsCanFollow(t *testing.T) {
	r := start(t, Config{})
	r.apply("a: 1", "")
	for name, options := range map[string][]connect.ClientOption{"connect": nil, "grpc": {connect.WithGRPC()}, "grpc-web": {connect.WithGRPCWeb()}, "json": {connect.WithProtoJSON()}} {
		f := r.follow(&weirv1.Hello{Identity: &weirv1.Identity{Service: "geo", Instance: name}}, adminToken, options...)
		f.ack(f.snapshot())
		f.commands()
		waitFor(t, name, func() bool { return r.find(name).Version == 1 })
	}
}

func TestStreamsOfStrangersAndBabblersEnd(t *testing.T) {
	r := start(t, Config{})
	hello := &weirv1.Hello{Identity: &weirv1.Identity{Service: "geo", Instance: "x"}}
	if err := within(t, "the refusal", r.follow(hello, "no-such-token", connect.WithGRPC()).ended); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("a stranger: %v", err)
	}
	odd := &weirv1.Hello{Identity: &weirv1.Identity{Service: "g e o"}}
	if err := within(t, "the refusal", r.follow(odd, sidecarToken, connect.WithGRPC()).ended); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("an odd name: %v", err)
	}
	f := r.sidecar("geo", "x", 0, "")
	f.commands()
	f.ack(&weirv1.Snapshot{Nonce: "9", Version: 9})
	if err := within(t, "the end", f.ended); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("an answer to nothing: %v", err)
	}
	f = r.sidecar("geo", "x", 0, "")
	f.commands()
	f.say(&weirv1.FollowRequest{})
	f.say(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Heartbeat{Heartbeat: &weirv1.Heartbeat{}}})
	r.apply("a: 1", "")
	f.snapshot() // it is still listened to
}

func TestSilentSidecarIsLeft(t *testing.T) {
	r := start(t, Config{Heartbeat: 10 * time.Millisecond})
	f := r.sidecar("geo", "x", 0, "")
	if err := within(t, "the end", f.ended); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		t.Errorf("ended with %v", err)
	}
}

func TestStreamEndsAfterItsLife(t *testing.T) {
	r := start(t, Config{StreamLife: 50 * time.Millisecond})
	if err := within(t, "the end", r.sidecar("geo", "x", 0, "").ended); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

func TestNewestStreamOfASidecarCounts(t *testing.T) {
	r := start(t, Config{})
	old := r.sidecar("geo", "x", 0, "")
	old.commands()
	fresh := r.sidecar("geo", "x", 0, "")
	fresh.commands()
	old.close()
	r.apply("a: 1", "")
	fresh.ack(fresh.snapshot())
	waitFor(t, "the acknowledgement", func() bool { sc := r.find("x"); return sc.Connected && sc.Version == 1 })
}

func TestManySidecarsAtOnce(t *testing.T) {
	r := start(t, Config{})
	const sidecars, versions = 50, 5
	var all sync.WaitGroup
	for i := range sidecars {
		f := r.sidecar("geo", fmt.Sprintf("geo-%d", i), 0, "")
		all.Go(func() {
			for held := uint64(0); held < versions; {
				m := within(t, "a message", f.heard)
				if set := m.GetCommands(); set != nil {
					f.say(&weirv1.FollowRequest{Body: &weirv1.FollowRequest_Report{Report: &weirv1.CommandReport{Nonce: set.GetNonce()}}})
					continue
				}
				s := m.GetSnapshot()
				if s.GetVersion() <= held {
					t.Errorf("version %d after %d", s.GetVersion(), held)
					return
				}
				held = s.GetVersion()
				f.ack(s)
			}
		})
	}
	for v := range versions {
		r.apply(fmt.Sprintf("a: %d", v), "")
		if _, err := r.api.Command(context.Background(), api.CommandSpec{Kind: api.KindServeStale}); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	waitFor(t, "the acknowledgements", func() bool {
		list, err := r.api.Sidecars(context.Background())
		n := 0
		for _, s := range list {
			if s.Version == versions {
				n++
			}
		}
		return err == nil && n == sidecars
	})
}

func TestAPIRefusesWithCodeAndCure(t *testing.T) {
	r := start(t, Config{})
	for name, c := range map[string]struct {
		method, path, token, body string
		status                    int
		code                      string
	}{
		"no token":          {"GET", "/v1/sidecars", "", "", 401, "access.token"},
		"a sidecar's token": {"GET", "/v1/sidecars", sidecarToken, "", 403, "access.role"},
		"no path":           {"GET", "/v2", adminToken, "", 404, "http.path"},
		"wrong method":      {"POST", "/v1/sidecars", adminToken, "", 404, "http.path"},
		"no config":         {"GET", "/v1/config", adminToken, "", 404, "config.none"},
		"bad yaml":          {"PUT", "/v1/config", adminToken, "a: [", 400, "config.yaml"},
		"large yaml":        {"PUT", "/v1/config", adminToken, "a: " + strings.Repeat("x", api.MaxConfigBytes), 413, "http.size"},
		"bad service":       {"PUT", "/v1/config?service=a%2Fb", adminToken, "a: 1", 400, "service"},
		"bad number":        {"PUT", "/v1/config?if_version=x", adminToken, "a: 1", 400, "http.query"},
		"bad bool":          {"PUT", "/v1/config?dry_run=x", adminToken, "a: 1", 400, "http.query"},
		"conflict":          {"PUT", "/v1/config?if_version=5", adminToken, "a: 1", 409, "config.conflict"},
		"long reason":       {"PUT", "/v1/config?reason=" + strings.Repeat("r", 2000), adminToken, "a: 1", 400, "reason"},
		"no json":           {"POST", "/v1/commands", adminToken, "kind", 400, "command.json"},
		"unknown key":       {"POST", "/v1/commands", adminToken, `{"kind":"serve_stale","tll":"5m"}`, 400, "command.json"},
		"two objects":       {"POST", "/v1/commands", adminToken, `{"kind":"serve_stale"}{}`, 400, "command.json"},
		"large command":     {"POST", "/v1/commands", adminToken, `{"reason":"` + strings.Repeat("r", 100_000) + `"}`, 413, "http.size"},
		"bad command":       {"POST", "/v1/commands", adminToken, `{"kind":"teleport"}`, 400, "command.kind"},
		"no command":        {"DELETE", "/v1/commands/c1-0", adminToken, "", 404, "command.none"},
		"bad limit":         {"GET", "/v1/audit?limit=-1", adminToken, "", 400, "http.query"},
	} {
		status, answer := r.request(c.method, c.path, c.token, c.body)
		var said struct{ Error api.Error }
		if err := json.Unmarshal([]byte(answer), &said); err != nil || status != c.status || said.Error.Code != c.code || said.Error.Message == "" || said.Error.Cure == "" {
			t.Errorf("%s: %d %.200s", name, status, answer)
		}
	}
	if status, answer := r.request("GET", "/healthz", "", ""); status != 200 || answer != "ok\n" {
		t.Errorf("health: %d %s", status, answer)
	}
}

func TestDocumentsThroughTheClient(t *testing.T) {
	r := start(t, Config{})
	ctx := context.Background()
	dry, err := r.api.Apply(ctx, []byte("a: 1"), client.ApplyOptions{DryRun: true})
	if err != nil || !dry.DryRun || dry.Version != 1 || dry.Config != "" {
		t.Errorf("%+v, %v", dry, err)
	}
	r.apply("a: 1 # first", "")
	r.apply("a: 2", "geo")
	doc, err := r.api.Config(ctx, "", 0)
	if err != nil || doc.Config != "a: 1 # first" || doc.Version != 1 || doc.StoredBy != "root" {
		t.Errorf("%+v, %v", doc, err)
	}
	if list, err := r.api.Versions(ctx, "", 10); err != nil || len(list) != 2 || list[0].Service != "geo" {
		t.Errorf("%+v, %v", list, err)
	}
	wrong, err := client.New(client.Config{URL: r.url, Token: "wrong-token"})
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if _, err := wrong.Sidecars(ctx); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("wrong token: %v", err)
	}
}

func TestLogsHoldNoToken(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	r := start(t, Config{Logger: slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	f := r.sidecar("geo", "x", 0, "")
	f.commands()
	r.request("GET", "/v1/sidecars", "wrong-secret-9", "")
	r.apply("a: 1", "")
	r.stop()
	mu.Lock()
	defer mu.Unlock()
	for _, secret := range []string{adminToken, sidecarToken, "wrong-secret-9"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
	if !strings.Contains(log.String(), "listening") {
		t.Errorf("log: %s", log.String())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestBadConfigsAreNamed(t *testing.T) {
	good := []Token{{"root", RoleAdmin, adminToken}}
	for name, cfg := range map[string]Config{
		"no folder": {Tokens: good},
		"no token":  {Dir: "d"},
		"bad key":   {Dir: "d", Tokens: good, SigningKey: ed25519.PrivateKey("x")},
		"negative":  {Dir: "d", Tokens: good, Heartbeat: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	s, err := New(Config{Dir: t.TempDir(), Tokens: good, Listen: "256.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("it listens on no address")
	}
}

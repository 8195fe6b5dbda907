package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

func TestConfigurationIsAppliedAndAcknowledged(t *testing.T) {
	d := direct(t, "")
	r := start(t, Config{URL: d.url, StateDir: t.TempDir()})
	p := d.next()
	id := p.hello.GetIdentity()
	if id.GetService() != "geo" || id.GetInstance() != "geo-1" || id.GetVersion() != "1.2.3" || id.GetLabels()["zone"] != "a" || p.hello.GetVersion() != 0 {
		t.Errorf("hello %v", p.hello)
	}
	if reason := p.push(snapshot(1, "a: 1")); reason != "" {
		t.Fatal(reason)
	}
	r.apply(1, "a: 1", SourceStream)
	if reason := p.push(snapshot(1, "a: 1")); reason != "" {
		t.Errorf("what is in force already: %s", reason)
	}
	if s := r.Status(); !s.Connected || s.Version != 1 || s.Source != SourceStream || s.LKGAge != 0 || s.LastError != "" || s.DiskError != "" {
		t.Errorf("status %+v", s)
	}
	if len(r.applied) != 0 {
		t.Error("it was applied twice")
	}
}

func TestRefusedConfigurationLeavesTheOneBefore(t *testing.T) {
	d := direct(t, "")
	dir := t.TempDir()
	r := start(t, Config{URL: d.url, StateDir: dir})
	p := d.next()
	p.push(snapshot(1, "a: 1"))
	r.apply(1, "a: 1", SourceStream)
	if reason := p.push(snapshot(2, "bad: 2")); reason != "line 1: bad is no good" {
		t.Errorf("reason %q", reason)
	}
	if reason := p.push(snapshot(3, "panic: 3")); !strings.Contains(reason, "no such thing") {
		t.Errorf("reason %q", reason)
	}
	if s := r.Status(); s.Version != 1 || s.NackVersion != 3 || !strings.Contains(s.LastNack, "no such thing") {
		t.Errorf("status %+v", s)
	}
	// The next stream tells what was refused, so that it is not offered again.
	close(p.hang)
	p = d.next()
	if h := p.hello; h.GetVersion() != 1 || h.GetRejectedVersion() != 3 || h.GetRejectedHash() != api.Hash([]byte("panic: 3")) || h.GetRejectedReason() == "" {
		t.Errorf("hello %v", h)
	}
	p.push(snapshot(4, "a: 4"))
	r.apply(4, "a: 4", SourceStream)
	if s := r.Status(); s.Version != 4 || s.LastNack != "" || s.NackVersion != 0 {
		t.Errorf("status %+v", s)
	}
	r.stop()
	again := start(t, Config{URL: d.url, StateDir: dir})
	again.apply(4, "a: 4", SourceDisk)
}

func TestSnapshotsThatAreNotWhatTheySayAreRefused(t *testing.T) {
	d := direct(t, "")
	r := start(t, Config{URL: d.url})
	p := d.next()
	p.push(snapshot(5, "a: 5"))
	r.apply(5, "a: 5", SourceStream)
	other := snapshot(6, "a: 6")
	other.Scope = "orders"
	altered := snapshot(6, "a: 6")
	altered.Config = []byte("a: 7")
	huge := snapshot(6, strings.Repeat("#", api.MaxConfigBytes+1))
	for name, c := range map[string]struct {
		s    *weirv1.Snapshot
		want string
	}{
		"older":          {snapshot(4, "a: 4"), "not newer"},
		"same version":   {snapshot(5, "a: x"), "not newer"},
		"wrong hash":     {altered, "hash"},
		"another's":      {other, "orders"},
		"too large":      {huge, "maximum"},
		"without number": {snapshot(0, "a: 0"), "version"},
	} {
		c.s.Nonce = name
		if reason := p.push(c.s); !strings.Contains(reason, c.want) {
			t.Errorf("%s: reason %q", name, reason)
		}
	}
	mine := snapshot(6, "a: 6")
	mine.Scope = "geo"
	if reason := p.push(mine); reason != "" {
		t.Errorf("one for its own service: %s", reason)
	}
	r.apply(6, "a: 6", SourceStream)
}

func TestSignatureIsCheckedOnStreamAndDisk(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := direct(t, "")
	dir := t.TempDir()
	r := start(t, Config{URL: d.url, StateDir: dir, PublicKey: public})
	p := d.next()
	if reason := p.push(snapshot(1, "a: 1")); !strings.Contains(reason, "signed") {
		t.Errorf("unsigned: %q", reason)
	}
	signed := snapshot(2, "a: 2")
	signed.Signature = api.SignSnapshot(private, 2, "", signed.GetHash())
	if reason := p.push(signed); reason != "" {
		t.Error(reason)
	}
	r.apply(2, "a: 2", SourceStream)
	replayed := snapshot(3, "a: 2")
	replayed.Signature = signed.GetSignature()
	if reason := p.push(replayed); !strings.Contains(reason, "signed") {
		t.Errorf("an old signature for a new version: %q", reason)
	}
	r.stop()
	strangers, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, Config{URL: d.url, StateDir: dir, PublicKey: strangers})
	if p := d.next(); p.hello.GetVersion() != 0 || len(again.applied) != 0 {
		t.Error("state signed by another key was put in force")
	}
}

func TestStateOnDiskServesWithoutServer(t *testing.T) {
	d := direct(t, "")
	dir := t.TempDir()
	r := start(t, Config{URL: d.url, StateDir: dir})
	p := d.next()
	p.push(snapshot(3, "a: 3"))
	p.command(issued("c1", KindServeStale, time.Now(), time.Minute), issued("c2", KindBypassCache, time.Now(), time.Hour))
	r.apply(3, "a: 3", SourceStream)
	ends := r.obeys("c1", "c2")
	r.stop()
	d.end()

	again := start(t, Config{URL: "http://127.0.0.1:1", StateDir: dir})
	<-again.Recalled()
	if s := again.Status(); s.Version != 3 || s.Source != SourceDisk {
		t.Errorf("recalled: status %+v", s)
	}
	again.apply(3, "a: 3", SourceDisk)
	for i, c := range again.obeys("c1", "c2") {
		if late := c.Expires.Sub(ends[i].Expires); late > time.Second || late < -time.Second {
			t.Errorf("%s ends %s later than before the restart", c.ID, late)
		}
	}
	if s := again.Status(); s.Connected || s.Version != 3 || s.Source != SourceDisk || s.LKGAge <= 0 || s.Commands != 2 {
		t.Errorf("status %+v", s)
	}
}

func TestDamagedStateIsIgnoredWithOneLine(t *testing.T) {
	d := direct(t, "")
	dir := t.TempDir()
	r := start(t, Config{URL: d.url, StateDir: dir})
	p := d.next()
	p.push(snapshot(1, "a: 1"))
	p.push(snapshot(2, "a: 2"))
	r.stop()
	damage := func(name string) {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(configFile)
	r = start(t, Config{URL: d.url, StateDir: dir})
	r.apply(1, "a: 1", SourceDisk) // the generation before
	if d.next().hello.GetVersion() != 1 || r.log.with("ignored") != 1 {
		t.Errorf("%d lines about it", r.log.with("ignored"))
	}
	r.stop()
	damage(configOldFile)
	r = start(t, Config{URL: d.url, StateDir: dir})
	p = d.next()
	if p.hello.GetVersion() != 0 || r.log.with("ignored") != 2 {
		t.Errorf("hello %v, %d lines", p.hello, r.log.with("ignored"))
	}
	p.push(snapshot(2, "a: 2"))
	r.apply(2, "a: 2", SourceStream)
}

func TestStateOfAnotherServiceIsIgnored(t *testing.T) {
	d := direct(t, "")
	dir := t.TempDir()
	r := start(t, Config{URL: d.url, StateDir: dir})
	s := snapshot(1, "a: 1")
	s.Scope = "geo"
	d.next().push(s)
	r.stop()
	r = start(t, Config{URL: d.url, StateDir: dir, Identity: Identity{Service: "orders"}})
	if p := d.next(); p.hello.GetVersion() != 0 || r.log.with("ignored") != 1 {
		t.Errorf("hello %v", p.hello)
	}
}

func TestUnwritableStateDoesNotStopConfiguration(t *testing.T) {
	d := direct(t, "")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{URL: d.url, StateDir: filepath.Join(file, "state")})
	if reason := d.next().push(snapshot(1, "a: 1")); reason != "" {
		t.Fatal(reason)
	}
	r.apply(1, "a: 1", SourceStream)
	if r.Status().DiskError == "" {
		t.Error("the status does not say that nothing is kept")
	}
}

func TestCommandsAreObeyedAndReported(t *testing.T) {
	d := direct(t, "")
	r := start(t, Config{URL: d.url})
	p := d.next()
	limit := issued("limit", KindRateLimit, time.Now(), time.Minute)
	limit.Params = map[string]string{"per_second": "5", "burst": "10"}
	limit.Operation, limit.Observe, limit.Reason = "Cities", true, "load"
	report := p.command(limit, issued("new", "teleport", time.Now(), time.Minute))
	if strings.Join(report.GetAccepted(), " ") != "limit" || len(report.GetRefused()) != 1 || report.GetRefused()[0].GetId() != "new" {
		t.Errorf("report %v", report)
	}
	c := r.obeys("limit")[0]
	if c.Kind != KindRateLimit || c.Params["per_second"] != "5" || c.Operation != "Cities" || !c.Observe || c.Reason != "load" || c.Generation != 1 {
		t.Errorf("command %+v", c)
	}
	if s := r.Status(); s.Commands != 1 || len(s.Refused) != 1 || !strings.Contains(s.Refused[0], "teleport") {
		t.Errorf("status %+v", s)
	}
	if report = p.command(); len(report.GetAccepted()) != 0 {
		t.Errorf("report %v", report)
	}
	r.obeys()
}

func TestCommandEndsWhileServerIsGone(t *testing.T) {
	d := direct(t, "")
	r := start(t, Config{URL: d.url})
	d.next().command(issued("c", KindServeStale, time.Now(), time.Second))
	r.obeys("c")
	d.end()
	r.obeys()
}

func TestAgentWithoutCommandsRefusesThem(t *testing.T) {
	d := direct(t, "")
	a, err := New(Config{URL: d.url, Identity: Identity{Service: "geo"}, Apply: func(context.Context, Snapshot) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	report := d.next().command(issued("c", KindServeStale, time.Now(), time.Minute))
	if len(report.GetAccepted()) != 0 || len(report.GetRefused()) != 1 {
		t.Errorf("report %v", report)
	}
	cancel()
	if err := within(t, "the agent's end", done); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestServerMayComeLateAndGo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{URL: "http://" + addr})
	d := direct(t, addr)
	d.next().push(snapshot(1, "a: 1"))
	r.apply(1, "a: 1", SourceStream)
	d.end()
	p := within(t, "a new stream", d.peers)
	if p.hello.GetVersion() != 1 {
		t.Errorf("hello %v", p.hello)
	}
	if s := r.Status(); s.Version != 1 {
		t.Errorf("status %+v", s)
	}
}

func TestSilentServerIsLeft(t *testing.T) {
	d := direct(t, "")
	r := start(t, Config{URL: d.url})
	p := within(t, "a stream", d.peers)
	p.tell(&weirv1.FollowResponse{Body: &weirv1.FollowResponse_Welcome{Welcome: &weirv1.Welcome{Heartbeat: durationpb.New(10 * time.Millisecond)}}})
	d.next()
	if r.log.with(errSilent.Error()) != 1 {
		t.Error("the log does not say why the stream was left")
	}
}

func TestRefusedTokenIsNamedOnce(t *testing.T) {
	d := direct(t, "")
	d.token = "right"
	r := start(t, Config{URL: d.url, Token: "wrong"})
	waitFor(t, func() bool { return r.log.with("token that weir-control knows") > 0 })
	if r.Status().LastError == "" {
		t.Error("the status does not say why there is no stream")
	}
	r.stop()
	if n := r.log.with("not reachable"); n != 1 {
		t.Errorf("%d lines", n)
	}
	good := start(t, Config{URL: d.url, Token: "right"})
	d.next()
	waitFor(t, func() bool { return good.Status().Connected })
}

// waitFor looks again and again, for what cannot be waited for by an event.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(deadline)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not come to hold")
		}
	}
}

func TestBadConfigsAreNamed(t *testing.T) {
	ok := func(context.Context, Snapshot) error { return nil }
	for name, cfg := range map[string]Config{
		"no apply":   {URL: "http://h:1"},
		"no url":     {Apply: ok},
		"scheme":     {Apply: ok, URL: "grpc://h:1"},
		"no host":    {Apply: ok, URL: "http://"},
		"not a url":  {Apply: ok, URL: "http://h:x"},
		"key":        {Apply: ok, URL: "http://h:1", PublicKey: ed25519.PublicKey("short")},
		"service":    {Apply: ok, URL: "http://h:1", Identity: Identity{Service: "a b"}},
		"long name":  {Apply: ok, URL: "http://h:1", Identity: Identity{Service: strings.Repeat("s", 300)}},
		"slash":      {Apply: ok, URL: "http://h:1", Identity: Identity{Service: "a/b"}},
		"bare h:p":   {Apply: ok, URL: "127.0.0.1:9470"},
		"empty host": {Apply: ok, URL: "https:///x"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestBackoffIsJitteredAndBounded(t *testing.T) {
	for failures := range 100 {
		bound := min(backoffMax, backoffBase<<min(failures, 16)) + time.Millisecond
		for range 20 {
			if d := backoff(failures); d <= 0 || d > bound {
				t.Fatalf("after %d failures it waits %s", failures, d)
			}
		}
	}
}

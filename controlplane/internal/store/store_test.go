package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/controlplane/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { mustClose(t, s) }) })
	return s
}

func mustClose(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func code(err error) string {
	var refused *api.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return fmt.Sprint(err)
}

func expected(n uint64) *uint64 { return &n }

func TestDocuments(t *testing.T) {
	s, ctx, now := open(t, t.TempDir()), t.Context(), time.Now()
	who := Author{Name: "admin", Claims: "ann", Reason: "first"}
	if _, err := s.Document(ctx, "", 0); code(err) != "config.none" {
		t.Errorf("nothing stored: %v", err)
	}
	for _, c := range []struct {
		name    string
		draft   Draft
		version uint64
		refusal string
	}{
		{"the first", Draft{Config: []byte("a: 1"), IfVersion: expected(0)}, 1, ""},
		{"none expected", Draft{Config: []byte("a: 2"), IfVersion: expected(0)}, 0, "config.conflict"},
		{"a service's", Draft{Scope: "geo", Config: []byte("a: g"), IfVersion: expected(0)}, 2, ""},
		{"dry run", Draft{Config: []byte("a: d"), DryRun: true}, 3, ""},
		{"the expected one", Draft{Config: []byte("a: 3"), IfVersion: expected(1)}, 3, ""},
		{"the same again", Draft{Config: []byte("a: 3")}, 4, ""},
		{"number given out", Draft{Config: []byte("a: 3"), Version: 4}, 0, "config.version"},
		{"number wanted", Draft{Config: []byte("a: 9"), Version: 100}, 100, ""},
		{"goes on from there", Draft{Scope: "geo", Config: []byte("a: h")}, 101, ""},
	} {
		doc, err := s.PutDocument(ctx, c.draft, who, now)
		if c.refusal != "" {
			if code(err) != c.refusal {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || doc.GetVersion() != c.version || doc.GetHash() != api.Hash(c.draft.Config) || doc.GetStoredBy() != "admin" {
			t.Errorf("%s: %v, %v", c.name, doc, err)
		}
	}
	for _, c := range []struct {
		scope   string
		version uint64
		want    string
	}{{"", 0, "a: 9"}, {"geo", 0, "a: h"}, {"geo", 2, "a: g"}, {"", 1, "a: 1"}, {"geo", 1, ""}, {"", 50, ""}, {"orders", 0, ""}} {
		doc, err := s.Document(ctx, c.scope, c.version)
		if string(doc.GetConfig()) != c.want || (c.want == "") != (code(err) == "config.none") {
			t.Errorf("scope %q version %d: %v, %v", c.scope, c.version, doc, err)
		}
	}
	geo, err := s.Versions(ctx, "geo", false, 10)
	if err != nil || len(geo) != 2 || geo[0].GetVersion() != 101 || geo[0].GetConfig() != nil || geo[0].GetSize() != 4 {
		t.Errorf("versions of geo: %v, %v", geo, err)
	}
	if every, err := s.Versions(ctx, "", true, 4); err != nil || len(every) != 4 {
		t.Errorf("versions: %v, %v", every, err)
	}
	audit, err := s.Audit(ctx, 100)
	if err != nil || len(audit) != 6 {
		t.Fatalf("%d audit entries, %v", len(audit), err)
	}
	if e := audit[1]; e.GetWho() != "admin" || e.GetClaims() != "ann" || e.GetReason() != "first" || e.GetAction() != "config.apply" ||
		e.GetBefore() != api.Hash([]byte("a: 3")) || e.GetAfter() != api.Hash([]byte("a: 9")) || e.GetObject() != "all services version 100" {
		t.Errorf("audit %v", e)
	}
}

func TestEverythingSurvivesARestart(t *testing.T) {
	dir, ctx, now := t.TempDir(), t.Context(), time.Now()
	s, err := Open(ctx, Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second one on the same folder: %v", err)
	}
	if _, err := s.PutDocument(ctx, Draft{Config: []byte("a: 1")}, Author{Name: "x"}, now); err != nil {
		t.Fatal(err)
	}
	issued, err := s.Issue(ctx, &api.CommandSpec{Kind: api.KindServeStale}, Author{Name: "x"}, now)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = open(t, dir)
	v, err := s.View(ctx)
	if err != nil || string(v.Document("any").GetConfig()) != "a: 1" || len(v.Commands) != 1 || v.Commands[0].GetId() != issued.GetId() {
		t.Fatalf("view %+v, %v", v, err)
	}
	doc, err := s.PutDocument(ctx, Draft{Config: []byte("a: 2")}, Author{Name: "x"}, now)
	if err != nil || doc.GetVersion() != 2 {
		t.Errorf("%v, %v", doc, err)
	}
	if again, err := s.Issue(ctx, &api.CommandSpec{Kind: api.KindServeStale}, Author{Name: "x"}, now); err != nil || again.GetGeneration() != 2 {
		t.Errorf("%v, %v", again, err)
	}
	info, err := os.Stat(filepath.Join(dir, logFile))
	if err != nil || info.Size() == 0 {
		t.Errorf("etcd's own log: %v", err)
	}
}

func TestCommands(t *testing.T) {
	s, ctx, now := open(t, t.TempDir()), t.Context(), time.Now()
	who := Author{Name: "admin"}
	spec := &api.CommandSpec{Kind: api.KindRateLimit, Operation: "Cities", Service: "geo", Params: map[string]string{"per_second": "5"}, TTL: "90s", Observe: true, Reason: "load"}
	c, err := s.Issue(ctx, spec, who, now)
	if err != nil || c.GetGeneration() != 1 || !c.GetExpires().AsTime().Equal(now.Add(90*time.Second)) || c.GetIssuedBy() != "admin" || !c.GetObserve() {
		t.Fatalf("%v, %v", c, err)
	}
	if _, err := s.Issue(ctx, &api.CommandSpec{Kind: api.KindServeStale, TTL: "1000h"}, who, now); code(err) != "command.ttl" {
		t.Errorf("too long: %v", err)
	}
	v, err := s.View(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		service string
		at      time.Time
		n       int
	}{{"geo", now, 1}, {"orders", now, 0}, {"geo", now.Add(90 * time.Second), 0}} {
		if got := v.CommandsFor(want.service, want.at); len(got) != want.n {
			t.Errorf("%+v: %v", want, got)
		}
	}
	if _, err := s.Revoke(ctx, c.GetId(), who, now.Add(2*time.Minute)); code(err) != "command.none" {
		t.Errorf("revoked after its end: %v", err)
	}
	if _, err := s.Revoke(ctx, c.GetId(), who, now); err != nil {
		t.Error(err)
	}
	if _, err := s.Revoke(ctx, c.GetId(), who, now); code(err) != "command.none" {
		t.Errorf("revoked twice: %v", err)
	}
	audit, err := s.Audit(ctx, 10)
	if err != nil || len(audit) != 2 || audit[0].GetAction() != "command.revoke" || audit[1].GetAction() != "command.issue" || !strings.Contains(audit[1].GetAfter(), "Cities") {
		t.Errorf("audit %v, %v", audit, err)
	}
}

func TestWritersAtOnceGetDistinctVersions(t *testing.T) {
	s, now := open(t, t.TempDir()), time.Now()
	const writers = 8
	versions := make(chan uint64, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			doc, err := s.PutDocument(t.Context(), Draft{Scope: fmt.Sprintf("s%d", i%2), Config: []byte("a: 1")}, Author{Name: "x"}, now)
			if err != nil {
				t.Error(err)
			}
			versions <- doc.GetVersion()
		})
	}
	all.Wait()
	seen := make(map[uint64]bool)
	for range writers {
		seen[<-versions] = true
	}
	for v := uint64(1); v <= writers; v++ {
		if !seen[v] {
			t.Errorf("version %d was not given out", v)
		}
	}
}

func TestFollowTellsEveryChange(t *testing.T) {
	s, now := open(t, t.TempDir()), time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	v, err := s.View(ctx)
	if err != nil {
		t.Fatal(err)
	}
	views, ended := make(chan *View, 10), make(chan error, 1)
	go func() { ended <- s.Follow(ctx, v, func(v *View) { views <- v }) }()
	if _, err := s.PutDocument(ctx, Draft{Config: []byte("a: 1")}, Author{Name: "x"}, now); err != nil {
		t.Fatal(err)
	}
	first := <-views
	c, err := s.Issue(ctx, &api.CommandSpec{Kind: api.KindServeStale}, Author{Name: "x"}, now)
	if err != nil {
		t.Fatal(err)
	}
	second := <-views
	if first.Document("x") == nil || len(first.Commands) != 0 || second.Document("x") != first.Document("x") || len(second.Commands) != 1 || second.Revision <= first.Revision {
		t.Errorf("%+v, %+v", first, second)
	}
	if _, err := s.Revoke(ctx, c.GetId(), Author{Name: "x"}, now); err != nil {
		t.Fatal(err)
	}
	if third := <-views; len(third.Commands) != 0 {
		t.Errorf("%+v", third)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestOldVersionsAreForgottenButNotThoseInForce(t *testing.T) {
	s, ctx, now := open(t, t.TempDir()), t.Context(), time.Now()
	if _, err := s.PutDocument(ctx, Draft{Scope: "quiet", Config: []byte("a: q")}, Author{Name: "x"}, now); err != nil {
		t.Fatal(err)
	}
	for i := range MaxVersions + 5 {
		if _, err := s.PutDocument(ctx, Draft{Config: fmt.Appendf(nil, "a: %d", i)}, Author{Name: "x"}, now); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Versions(ctx, "", true, 10*MaxVersions)
	if err != nil || len(all) != MaxVersions+1 {
		t.Errorf("%d versions are kept, %v", len(all), err)
	}
	if doc, err := s.Document(ctx, "quiet", 0); err != nil || string(doc.GetConfig()) != "a: q" {
		t.Errorf("%v, %v", doc, err)
	}
	if _, err := s.Document(ctx, "", 2); code(err) != "config.none" {
		t.Errorf("an old version: %v", err)
	}
}

func TestLargestDocumentFits(t *testing.T) {
	s := open(t, t.TempDir())
	config := []byte("a: " + strings.Repeat("x", api.MaxConfigBytes-3))
	if _, err := s.PutDocument(t.Context(), Draft{Config: config}, Author{Name: "x"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if doc, err := s.Document(t.Context(), "", 0); err != nil || len(doc.GetConfig()) != api.MaxConfigBytes {
		t.Error(err)
	}
}

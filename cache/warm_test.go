package cache

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// ask gets an entry so often that it is seen to be popular.
func ask(t testing.TB, s *Store, key string) {
	t.Helper()
	for range 2000 {
		want(t, s, key, nowNS(), Fresh)
	}
}

func TestNewProcessWarmsUpWithWhatIsPopular(t *testing.T) {
	server := redistest.Start(t)
	a := join(t, server.Addr, nil)
	connected(t, a)
	for _, key := range []string{"one", "two", "three", "gone", "never asked for"} {
		fill(t, a, key, key, "tag "+key)
		if key != "never asked for" {
			ask(t, a, key)
		}
	}
	a.publishPopular(t.Context())
	if n := a.Stats().Published; n != 4 {
		t.Errorf("%d keys were told", n)
	}
	logged(t, a, Invalidation{Tags: []string{"tag gone"}})
	b := join(t, server.Addr, nil)
	if n := b.WarmUp(t.Context()); n != 3 {
		t.Errorf("%d entries came", n)
	}
	for key, state := range map[string]State{"one": Fresh, "two": Fresh, "three": Fresh, "gone": Miss, "never asked for": Miss} {
		want(t, b, key, nowNS(), state)
	}
	if n := b.WarmUp(t.Context()); n != 0 || b.Stats().Warmed != 3 {
		t.Errorf("again: %d, %d in all", n, b.Stats().Warmed)
	}
	if ttl := server.Text("TTL", "weir:popular"); ttl == "-1" {
		t.Error("the list lives for ever")
	}
}

func TestListOfPopularKeysIsBounded(t *testing.T) {
	server := redistest.Start(t)
	a := join(t, server.Addr, nil)
	connected(t, a)
	for round := range 3 {
		var keys []*Key
		var scores []int64
		for i := range 50 {
			keys = append(keys, keyOf(string(rune('a'+i))+strings.Repeat("x", round)))
			scores = append(scores, int64(round*100+i))
		}
		a.values.PublishPopular(t.Context(), keys, scores, 60)
	}
	list := a.values.Popular(t.Context(), 100)
	if len(list) != 60 || list[0] != *keyOf(string(rune('a'+49)) + "xx") {
		t.Errorf("%d keys", len(list))
	}
}

func TestWarmUpEndsInTimeWithoutRedis(t *testing.T) {
	server := redistest.Reserve(t) // nobody listens there
	a := join(t, server.Addr, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if n := a.WarmUp(ctx); n != 0 {
		t.Errorf("%d entries came from nowhere", n)
	}
	if n, err := a.Restore(ctx, filepath.Join(t.TempDir(), "none"), "x"); n != 0 || err != nil {
		t.Error(n, err)
	}
	alone := open(t, Config{})
	if alone.WarmUp(t.Context()) != 0 {
		t.Error("a store of one process was warmed up")
	}
	path := filepath.Join(t.TempDir(), "cache.saved")
	put(t, alone, "a", draft("a"), t0)
	if n, err := alone.Save(path, "x"); n != 0 || err != nil {
		t.Errorf("without a log %d entries were saved: nobody could tell whether they are valid (%v)", n, err)
	}
}

// TestSavedCacheObeysWhatWasInvalidatedMeanwhile is a restart: what was invalidated while the process was away is not served by the next.
func TestSavedCacheObeysWhatWasInvalidatedMeanwhile(t *testing.T) {
	server := redistest.Start(t)
	other := join(t, server.Addr, nil)
	path := filepath.Join(t.TempDir(), "cache.saved")
	a := join(t, server.Addr, nil)
	connected(t, a, other)
	for _, key := range []string{"kept", "by tag", "by prefix", "before"} {
		fill(t, a, key, key, "City:"+key)
	}
	private := draft("secret")
	private.Private = true
	put(t, a, "private", private, nowNS())
	logged(t, a, Invalidation{Tags: []string{"City:before"}})
	if n, err := a.Save(path, "books"); n != 3 || err != nil {
		t.Fatalf("%d entries are saved: %v", n, err)
	}
	logged(t, other, Invalidation{Tags: []string{"City:by tag"}})
	logged(t, other, Invalidation{Prefixes: []string{"City:by pre"}})
	b := join(t, server.Addr, nil)
	if n, err := b.Restore(t.Context(), path, "books"); n != 1 || err != nil {
		t.Errorf("%d entries came: %v", n, err)
	}
	if st := b.Stats(); st.Restored != 1 || st.Discarded != 2 || st.ColdStarts != 0 {
		t.Errorf("%+v", st)
	}
	for key, state := range map[string]State{"kept": Fresh, "by tag": Miss, "by prefix": Miss, "before": Miss, "private": Miss} {
		want(t, b, key, nowNS(), state)
	}
	logged(t, other, Invalidation{Tags: []string{"City:kept"}})
	caughtUp(t, b, other)
	want(t, b, "kept", nowNS(), Miss)

	if n, err := join(t, server.Addr, nil).Restore(t.Context(), path, "another service"); n != 0 || err == nil {
		t.Errorf("of another service: %d, %v", n, err)
	}
}

func TestSavedCacheOfAnotherLogIsDiscarded(t *testing.T) {
	server := redistest.Start(t)
	path := filepath.Join(t.TempDir(), "cache.saved")
	a := join(t, server.Addr, nil)
	connected(t, a)
	fill(t, a, "a", "a", "City")
	if n, err := a.Save(path, "books"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	server.Must("FLUSHALL") // what was invalidated since then is not known any more
	b := join(t, server.Addr, nil)
	if n, err := b.Restore(t.Context(), path, "books"); n != 0 || err != nil || b.Stats().Discarded != 1 {
		t.Errorf("%d entries came, %v: %+v", n, err, b.Stats())
	}
	want(t, b, "a", nowNS(), Miss)
}

func TestBrokenSavedCacheIsACountedColdStart(t *testing.T) {
	server := redistest.Start(t)
	path := filepath.Join(t.TempDir(), "cache.saved")
	a := join(t, server.Addr, nil)
	connected(t, a)
	fill(t, a, "a", "a", "City")
	if _, err := a.Save(path, "books"); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := join(t, server.Addr, nil)
	for i, text := range [][]byte{whole[:len(whole)/2], nil, []byte("WEIRL1\nwhat")} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := b.Restore(t.Context(), path, "books"); n != 0 || err == nil || b.Stats().ColdStarts != uint64(i+1) {
			t.Errorf("%d entries of a broken file, %v, %d cold starts", n, err, b.Stats().ColdStarts)
		}
	}
}

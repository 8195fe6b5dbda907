package hitratio

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/bench/internal/keytrace"
	"github.com/weirproxy/weir/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const long = 1000 * time.Hour

// sequence is a use of each key a second.
func sequence(size int64, ttl time.Duration, keys ...uint64) []cache.Use {
	var uses []cache.Use
	for i, k := range keys {
		uses = append(uses, cache.Use{At: int64(i) * int64(time.Second), Key: k, Bytes: size, TTL: ttl})
	}
	return uses
}

func TestKnownTraces(t *testing.T) {
	one := cache.Charge(1000)
	for _, c := range []struct {
		name                    string
		uses                    []cache.Use
		room                    int64
		lru, clairvoyant, bound uint64
	}{
		{"a cycle one larger than the cache", sequence(1000, long, 0, 1, 2, 0, 1, 2), 2, 0, 2, 3},
		{"it fits", sequence(1000, long, 0, 1, 2, 0, 1, 2), 3, 3, 3, 3},
		{"a scan between two uses", sequence(1000, long, 0, 1, 2, 3, 4, 0), 2, 0, 1, 1},
		{"all expire", sequence(1000, 2*time.Second, 0, 1, 0, 1), 2, 0, 0, 0},
		{"every second one has expired", sequence(1000, 2*time.Second, 0, 0, 0, 0, 0), 1, 2, 2, 4},
		{"no room at all", sequence(1000, long, 0, 0), 0, 0, 0, 0},
	} {
		f := lookAhead(c.uses, 5)
		if n := LRU(slices.Values(c.uses), 5, c.room*one); n != c.lru {
			t.Errorf("%s: LRU hits %d, want %d", c.name, n, c.lru)
		}
		if n := f.clairvoyant(c.room * one); n != c.clairvoyant {
			t.Errorf("%s: the clairvoyant hits %d, want %d", c.name, n, c.clairvoyant)
		}
		if n := f.bounds().hits(c.room * one); n != c.bound {
			t.Errorf("%s: bound %d, want %d", c.name, n, c.bound)
		}
	}
}

// best tries all choices: after each use, which of the entries to keep.
func best(uses []cache.Use, i int, kept []cache.Use, capacity int64) int {
	if i == len(uses) {
		return 0
	}
	u, hit := uses[i], 0
	now := u
	var rest []cache.Use
	for _, k := range kept {
		switch {
		case k.Key != u.Key:
			rest = append(rest, k)
		case u.At-k.At < int64(k.TTL):
			hit, now = 1, k
		}
	}
	all := append(rest, now)
	most := 0
	for set := range 1 << len(all) {
		var keep []cache.Use
		used := int64(0)
		for b, k := range all {
			if set>>b&1 == 1 {
				keep = append(keep, k)
				used += cache.Charge(k.Bytes)
			}
		}
		if used <= capacity {
			most = max(most, best(uses, i+1, keep, capacity))
		}
	}
	return hit + most
}

// TestNothingBeatsTheBound compares with the best of all choices: with entries of one size and no expiry the clairvoyant is as good, and with
// any sizes and times to live nothing is better than the bound.
func TestNothingBeatsTheBound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		mixed := r.IntN(2) == 1
		var uses []cache.Use
		for i := range 9 {
			u := cache.Use{At: int64(i), Key: r.Uint64N(4), Bytes: 1000, TTL: long}
			if mixed {
				u.Bytes, u.TTL = 500+int64(u.Key)*700, time.Duration(2+r.IntN(5))
			}
			uses = append(uses, u)
		}
		capacity := cache.Charge(1000) * (1 + r.Int64N(3))
		f := lookAhead(uses, 4)
		lru, seer, most, bound := LRU(slices.Values(uses), 4, capacity), f.clairvoyant(capacity), uint64(best(uses, 0, nil, capacity)), f.bounds().hits(capacity)
		if !mixed && seer != most {
			t.Errorf("%v: the clairvoyant hits %d, the best is %d", uses, seer, most)
		}
		if lru > most || seer > most || most > bound {
			t.Errorf("%v: LRU %d, clairvoyant %d, best %d, bound %d", uses, lru, seer, most, bound)
		}
	}
}

func TestTablesOfARandomTrace(t *testing.T) {
	trace, err := keytrace.Open("zipf:0.9,keys=5000,requests=60000,bytes=1000,scan=0.3", 0)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := Tables(t.Context(), trace, Config{Memory: []int64{1 << 20, 64 << 20}, TTL: []time.Duration{time.Hour, 5 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 2 || len(tables[0].Rows) != 2 {
		t.Fatalf("%d tables", len(tables))
	}
	for _, table := range tables {
		for _, row := range table.Rows {
			t.Logf("%s: %.1f MiB: weir %.2f %%, LRU %.2f %%, clairvoyant %.2f %%, bound %.2f %%", table.Name, row[ColumnMemory], row[ColumnWeir], row[ColumnLRU], row[ColumnClairvoyant], row[ColumnBound])
			if row[ColumnWeir] > row[ColumnBound] || row[ColumnLRU] > row[ColumnClairvoyant]+0.5 || row[ColumnClairvoyant] > row[ColumnBound] {
				t.Errorf("%s: %v", table.Name, row)
			}
			if row[columnHits]+row[columnAbsent]+row[columnExpired] != 60000 {
				t.Errorf("%s: %v does not add up", table.Name, row)
			}
		}
	}
	small, large := tables[0].Rows[0], tables[0].Rows[1]
	if small[ColumnWeir] < small[ColumnLRU]-2 { // the race detector makes the store forget accesses
		t.Errorf("a scan pollutes Weir's cache more than LRU: %.2f %% and %.2f %%", small[ColumnWeir], small[ColumnLRU])
	}
	if large[ColumnWeir] != large[ColumnClairvoyant] || large[columnEvicted] != 0 {
		t.Errorf("all fits: %v", large)
	}
	if expired := tables[1].Rows[1]; expired[columnExpired] == 0 {
		t.Errorf("nothing expires in 5 s: %v", expired)
	}
}

func TestKeysOfEventsAreGuessedAloud(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	line := `{"event_type":"weir.cost.v1","event_id":"a-1","timestamp":"2026-05-04T12:00:00Z","operation_kind":"query","cache_status":"miss","quantities":{"bytes_out":10}}`
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	trace, err := keytrace.Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := Tables(t.Context(), trace, Config{Memory: []int64{1 << 20}, TTL: []time.Duration{time.Minute}})
	if err != nil || !strings.Contains(tables[0].Text, "1 uses are events without a key") {
		t.Errorf("%v %v", tables, err)
	}
}

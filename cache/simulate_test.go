package cache

import (
	"slices"
	"testing"
	"time"
)

func TestSimulateCountsWhatIsKnown(t *testing.T) {
	const second = int64(time.Second)
	use := func(at int64, key uint64, size int64) Use {
		return Use{At: at * second, Key: key, Bytes: size, TTL: 10 * time.Second, FetchMicros: 2000, Worth: 3}
	}
	trace := []Use{
		use(0, 1, 1000), use(1, 2, 1000), use(2, 1, 1000), // a hit
		use(11, 1, 1000),                     // expired
		use(12, 3, 2<<20), use(13, 3, 2<<20), // larger than a 64th of the memory
		use(14, 1, 1000), // a hit
	}
	s, err := Simulate(t.Context(), Config{MaxBytes: 64 << 20, EarlyRefresh: -1}, slices.Values(trace))
	if err != nil {
		t.Fatal(err)
	}
	if s.Uses != 7 || s.Hits != 2 || s.Absent != 4 || s.Expired != 1 || s.TooBig != 2 || s.Stored != 3 || s.Evicted != 0 || s.Entries != 2 ||
		s.SavedMicros != 4000 || s.SavedPico != 6 || s.Refreshes != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := Simulate(t.Context(), Config{Redis: []string{"127.0.0.1:1"}}, slices.Values(trace)); err == nil {
		t.Error("a shared tier was simulated")
	}
}

// TestSimulationChargesWhatServingCharges compares with entries whose bodies are there.
func TestSimulationChargesWhatServingCharges(t *testing.T) {
	const size = 1000
	s, err := Simulate(t.Context(), Config{MaxBytes: 64 << 20}, slices.Values([]Use{{Key: 1, Bytes: size, TTL: time.Minute}}))
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(Config{MaxBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	empty := store.Stats().Bytes
	var k Key
	r := store.Lookup(t.Context(), &k, 1, Wait{})
	r.Fill.Complete(&Draft{Body: make([]byte, size), TTL: time.Minute, Tags: fewTags{}}, 1)
	if real := store.Stats().Bytes; s.Bytes != real || Charge(size) != real-empty {
		t.Errorf("%d bytes in the simulation, %d when serving; charged %d", s.Bytes, real, Charge(size))
	}
}

func TestSimulationRefreshesEarly(t *testing.T) {
	var trace []Use
	for i := range 1000 {
		trace = append(trace, Use{At: int64(i) * int64(100*time.Millisecond), Key: 1, TTL: 5 * time.Second, FetchMicros: 500_000})
	}
	s, err := Simulate(t.Context(), Config{}, slices.Values(trace))
	if err != nil {
		t.Fatal(err)
	}
	if s.Refreshes < 10 || s.Hits+s.Absent+s.Expired != 1000 || s.Expired > 12 { // of 20 lives: one in six ends between the last request early enough and the next
		t.Errorf("%+v", s)
	}
}

package memory

import "testing"

func TestCensusKnowsWhatIsThereAndForgetsWhatLeft(t *testing.T) {
	c := newCensus(1 << 20)
	const keys = 5000
	for i := range uint64(keys) {
		k := numbered(i)
		c.add(&k)
	}
	for i := range uint64(keys) {
		if k := numbered(i); c.absent(&k) {
			t.Fatalf("key %d is there and was called absent", i)
		}
	}
	for i := range uint64(keys) {
		if i%100 != 0 {
			k := numbered(i)
			c.remove(&k)
		}
	}
	absent := 0
	for i := range uint64(keys) {
		k := numbered(i)
		switch there := i%100 == 0; {
		case there && c.absent(&k):
			t.Fatalf("key %d is there and was called absent", i)
		case !there && c.absent(&k):
			absent++
		}
	}
	if absent < keys*9/10 {
		t.Errorf("only %d of %d keys that left are told to be absent", absent, keys)
	}
}

func TestCensusIsEmptyWhenTheTierIs(t *testing.T) {
	m, err := Open(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(20_000) { // many times more than there is room for
		m.Put(slotOf(numbered(i%7000), 500), i >= 7000)
	}
	m.decide()
	m.inner.Clear()
	for i := range m.hot {
		if s := m.hot[i].Load(); s != nil {
			m.Delete(s)
		}
	}
	m.Close()
	counted := 0
	for i := range m.census.counts {
		for v := m.census.counts[i].Load(); v != 0; v >>= 4 {
			counted += int(v & 0xf)
		}
	}
	if n := m.entries.Load(); int64(counted) != n {
		t.Errorf("%d slots are counted, the tier says %d", counted, n)
	}
}

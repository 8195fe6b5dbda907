package codec

import (
	"bytes"
	"testing"

	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

func slotOf(t *rapid.T) *entry.Slot {
	bytesOf := func(name string, n int) []byte { return rapid.SliceOfN(rapid.Byte(), 0, n).Draw(t, name) }
	list := &tags{}
	for range rapid.IntRange(0, 5).Draw(t, "tags") {
		list.list = append(list.list, bytesOf("tag", 40))
	}
	d := entry.Draft{
		Entry: entry.Entry{
			Head: bytesOf("head", 60), Body: bytesOf("body", 300), Created: rapid.Int64().Draw(t, "created"), Soft: rapid.Int64().Draw(t, "soft"),
			Hard: rapid.Int64().Draw(t, "hard"), FetchMicros: rapid.Uint32().Draw(t, "fetch"), Worth: rapid.Int64().Draw(t, "worth"),
			Negative: rapid.Bool().Draw(t, "negative"), Private: rapid.Bool().Draw(t, "private"),
		},
		Tags:   list,
		Origin: entry.Origin{Epoch: rapid.Uint64().Draw(t, "epoch"), AsOf: entry.Position{MS: rapid.Uint64().Draw(t, "ms"), Seq: rapid.Uint64().Draw(t, "seq")}},
	}
	copy(d.Digest[:], bytesOf("digest", 32))
	return entry.Build(&d, xxh3.Hash)
}

func equal(a, b *entry.Slot) bool {
	if a.Digest != b.Digest || !bytes.Equal(a.Head, b.Head) || !bytes.Equal(a.Body, b.Body) || a.Created != b.Created || a.Soft != b.Soft ||
		a.Hard != b.Hard || a.FetchMicros != b.FetchMicros || a.Worth != b.Worth || a.Negative != b.Negative || a.Private != b.Private ||
		a.Epoch != b.Epoch || a.AsOf != b.AsOf || a.Tags.Len() != b.Tags.Len() {
		return false
	}
	for i := range a.Tags.Len() {
		if !bytes.Equal(a.Tags.At(i), b.Tags.At(i)) || a.Hashes[i] != b.Hashes[i] {
			return false
		}
	}
	return true
}

func TestValuesComeBackAndDamageIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := slotOf(t)
		v := Append([]byte("before"), s)[len("before"):]
		if len(v) > Size(s) {
			t.Fatalf("%d bytes, at most %d were announced", len(v), Size(s))
		}
		got, err := Decode(v, &s.Digest, xxh3.Hash)
		if err != nil || !equal(s, got) {
			t.Fatalf("%v", err)
		}
		other := s.Digest
		other[3]++
		if _, err := Decode(v, &other, xxh3.Hash); err == nil {
			t.Fatal("the value of another key is accepted")
		}
		damaged := bytes.Clone(v)
		damaged[rapid.IntRange(0, len(v)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := Decode(damaged, &s.Digest, xxh3.Hash); err == nil {
			t.Fatal("damage is not seen")
		}
		if _, err := Decode(v[:rapid.IntRange(0, len(v)-1).Draw(t, "cut")], &s.Digest, xxh3.Hash); err == nil {
			t.Fatal("a cut value is accepted")
		}
	})
}

func FuzzDecode(f *testing.F) {
	d := entry.Draft{Entry: entry.Entry{Head: []byte("h"), Body: []byte("body")}, Tags: &tags{[][]byte{[]byte("City:5")}}}
	f.Add(Append(nil, entry.Build(&d, xxh3.Hash)))
	f.Fuzz(func(t *testing.T, v []byte) {
		var k key.Key
		if len(v) >= 38 {
			copy(k[:], v[6:38])
		}
		for _, right := range []bool{false, true} { // with a right checksum the inner checks are reached
			if right && len(v) >= 8 {
				v = seal(v[:len(v)-8])
			}
			s, err := Decode(v, &k, xxh3.Hash)
			if err != nil {
				continue
			}
			again, err := Decode(Append(nil, s), &k, xxh3.Hash)
			if err != nil || !equal(s, again) {
				t.Fatalf("a value that was read does not come back: %v", err)
			}
		}
	})
}

// seal appends the checksum.
func seal(v []byte) []byte {
	h := xxh3.Hash(v)
	out := bytes.Clone(v)
	for i := range 8 {
		out = append(out, byte(h>>(8*i)))
	}
	return out
}

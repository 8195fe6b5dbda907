package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
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

// kinds are codecs of every form; all but the last two share a namespace.
func kinds(t testing.TB) map[string]*Codec {
	secret := func(b byte) []byte { return bytes.Repeat([]byte{b}, secretSize) }
	all := map[string]*Codec{}
	for name, cfg := range map[string]Config{
		"plain":          {Namespace: "n"},
		"s2":             {Namespace: "n", Compression: S2},
		"zstd":           {Namespace: "n", Compression: Zstd, Above: 20},
		"sealed":         {Namespace: "n", Keys: []Key{{"old", secret(1)}}},
		"sealed s2":      {Namespace: "n", Compression: S2, Keys: []Key{{"new", secret(2)}, {"old", secret(1)}}},
		"other secret":   {Namespace: "n", Keys: []Key{{"old", secret(3)}}},
		"unknown key":    {Namespace: "n", Keys: []Key{{"other", secret(1)}}},
		"other and more": {Namespace: "m", Keys: []Key{{"old", secret(1)}, {"new", secret(2)}}},
	} {
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = c
	}
	return all
}

func TestValuesComeBackAndDamageIsSeen(t *testing.T) {
	for name, c := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := slotOf(t)
				v := c.Append([]byte("before"), s)[len("before"):]
				if len(v) > c.Size(s) {
					t.Fatalf("%d bytes, at most %d were announced", len(v), c.Size(s))
				}
				got, err := c.Decode(v, &s.Digest, xxh3.Hash)
				if err != nil || !equal(s, got) {
					t.Fatalf("%v", err)
				}
				other := s.Digest
				other[3]++
				if _, err := c.Decode(v, &other, xxh3.Hash); !errors.Is(err, ErrCorrupt) {
					t.Fatal("the value of another key is accepted")
				}
				damaged := bytes.Clone(v)
				damaged[rapid.IntRange(0, len(v)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
				if _, err := c.Decode(damaged, &s.Digest, xxh3.Hash); !errors.Is(err, ErrCorrupt) {
					t.Fatal("damage is not seen")
				}
				if _, err := c.Decode(v[:rapid.IntRange(0, len(v)-1).Draw(t, "cut")], &s.Digest, xxh3.Hash); !errors.Is(err, ErrCorrupt) {
					t.Fatal("a cut value is accepted")
				}
			})
		})
	}
}

// page is an answer as the cache sees many, with the tag of a tenant.
func page(private string) *entry.Slot {
	body := strings.Repeat(`{"city":{"__typename":"City","id":5,"name":"Utrecht"}},`, 100)
	d := entry.Draft{
		Entry: entry.Entry{Digest: key.Key{7}, Head: []byte("head"), Body: []byte(body + private), Hard: 1 << 60},
		Tags:  &tags{[][]byte{[]byte("City:5"), []byte(TenantTag + "acme")}},
	}
	return entry.Build(&d, xxh3.Hash)
}

func TestWhoReadsWhat(t *testing.T) {
	all := kinds(t)
	ok := Reason(255)
	for _, c := range []struct {
		writer, reader string
		want           Reason
	}{
		{"plain", "s2", ok},
		{"s2", "zstd", ok},
		{"zstd", "plain", ok},
		{"sealed", "sealed s2", ok}, // the old key still opens: rotation
		{"sealed s2", "sealed", UnknownKey},
		{"sealed", "plain", UnknownKey},
		{"plain", "sealed", Unsealed},
		{"sealed", "other secret", Forged},
		{"sealed", "unknown key", UnknownKey},
		{"sealed", "other and more", Forged}, // of another namespace
	} {
		s := page("")
		got, err := all[c.reader].Decode(all[c.writer].Append(nil, s), &s.Digest, xxh3.Hash)
		switch {
		case c.want == ok:
			if err != nil || !equal(s, got) {
				t.Errorf("%s read by %s: %v", c.writer, c.reader, err)
			}
		case !errors.Is(err, c.want) || got != nil:
			t.Errorf("%s read by %s: %v, want %v", c.writer, c.reader, err, c.want)
		}
	}
}

func TestSealedValuesTellNothing(t *testing.T) {
	all := kinds(t)
	s := page("a secret of somebody")
	a, b := all["sealed"].Append(nil, s), all["sealed"].Append(nil, s)
	for _, word := range []string{"secret", "Utrecht", "City:5", "acme", "head"} {
		if bytes.Contains(a, []byte(word)) {
			t.Errorf("%q stands in a sealed value", word)
		}
	}
	if bytes.Equal(a, b) || bytes.Equal(a[openLen+4:openLen+4+nonceSize], b[openLen+4:openLen+4+nonceSize]) {
		t.Error("two values have the same nonce")
	}
	if n := len(all["sealed s2"].Append(nil, s)); n > len(a)/4 {
		t.Errorf("%d bytes, plain %d: it was not compressed before it was sealed", n, len(a))
	}
}

func TestTenantsAreFoundInValues(t *testing.T) {
	all := kinds(t)
	for _, name := range []string{"plain", "s2", "sealed", "sealed s2"} {
		v := all[name].Append(nil, page(""))
		head := v[:min(len(v), HeadLen)]
		reader := all[name]
		if name == "sealed" {
			reader = all["sealed s2"] // which has the key as its second
		}
		if !reader.TenantOf("acme").Owns(head) || reader.TenantOf("acmf").Owns(head) || reader.TenantOf("").Owns(head) {
			t.Errorf("%s: the tenant is not told right", name)
		}
		none := entry.Build(&entry.Draft{Entry: entry.Entry{Body: []byte("b")}}, xxh3.Hash)
		if reader.TenantOf("acme").Owns(all[name].Append(nil, none)) || reader.TenantOf("").Owns(all[name].Append(nil, none)) {
			t.Errorf("%s: a value of nobody is somebody's", name)
		}
	}
	if all["sealed"].TenantOf("acme").keyed["old"] == all["other secret"].TenantOf("acme").keyed["old"] {
		t.Error("the mark of a tenant can be made without the key")
	}
}

// A small value that says it becomes a huge one takes no memory.
func TestDecompressionBombs(t *testing.T) {
	for _, how := range []string{S2, Zstd} {
		writer, err := New(Config{Compression: how})
		if err != nil {
			t.Fatal(err)
		}
		bomb := func(size int) ([]byte, *entry.Slot) {
			s := entry.Build(&entry.Draft{Entry: entry.Entry{Body: make([]byte, size)}}, xxh3.Hash)
			return writer.Append(nil, s), s
		}
		small, err := New(Config{Largest: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		v, s := bomb(8 << 20)
		if _, err := small.Decode(v, &s.Digest, xxh3.Hash); !errors.Is(err, TooBig) {
			t.Errorf("%s: a bomb of %d bytes: %v", how, len(v), err)
		}
		// The value lies about what it becomes.
		v, s = bomb(512 << 10)
		at := openLen + fixed - 12
		binary.LittleEndian.PutUint32(v[at:], 100)
		v = seal(v[:len(v)-sumLen])
		if _, err := small.Decode(v, &s.Digest, xxh3.Hash); !errors.Is(err, Damaged) {
			t.Errorf("%s: a value that lies: %v", how, err)
		}
	}
}

func TestRecordsAreSealed(t *testing.T) {
	all := kinds(t)
	fields := []string{"o", "author", "n", "5", "t", "City:5", "p", "Query."}
	sealed := all["sealed"].SealFields(fields)
	if len(sealed) != 2 || strings.Contains(sealed[1], "City") || strings.Contains(sealed[1], "Query") {
		t.Fatalf("%q", sealed)
	}
	got, ok := all["sealed s2"].OpenFields(sealed)
	if !ok || !slices.Equal(got, fields) {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"plain", "other secret", "unknown key", "other and more"} {
		if got, ok := all[name].OpenFields(sealed); ok || !slices.Equal(got, sealed) {
			t.Errorf("%s reads %q", name, got)
		}
	}
	if got, ok := all["sealed"].OpenFields(fields); !ok || !slices.Equal(got, fields) {
		t.Errorf("a plain record, which can only invalidate: %q", got)
	}
	if got := all["plain"].SealFields(fields); !slices.Equal(got, fields) {
		t.Errorf("%q", got)
	}
}

func TestKeysAreChecked(t *testing.T) {
	good := bytes.Repeat([]byte{1}, secretSize)
	for name, keys := range map[string][]Key{
		"no id": {{"", good}}, "a long id": {{strings.Repeat("x", 33), good}}, "a short secret": {{"a", good[:16]}}, "twice the same id": {{"a", good}, {"a", good}},
	} {
		if _, err := New(Config{Keys: keys}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := New(Config{Compression: "lzma"}); err == nil {
		t.Error("an unknown compression is accepted")
	}
}

func FuzzDecode(f *testing.F) {
	all := kinds(f)
	for _, c := range all {
		f.Add(c.Append(nil, page("")))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		k := key.Key{7}
		for name, c := range all {
			for _, right := range []bool{false, true} { // with a right checksum the inner checks are reached
				if right && len(v) >= sumLen && len(c.keys) == 0 {
					v = seal(v[:len(v)-sumLen])
				}
				s, err := c.Decode(v, &k, xxh3.Hash)
				if err != nil {
					if !errors.Is(err, ErrCorrupt) || s != nil {
						t.Fatalf("%s: %v", name, err)
					}
					continue
				}
				again, err := c.Decode(c.Append(nil, s), &k, xxh3.Hash)
				if err != nil || !equal(s, again) {
					t.Fatalf("%s: a value that was read does not come back: %v", name, err)
				}
			}
			c.TenantOf("acme").Owns(v)
		}
	})
}

func FuzzOpenFields(f *testing.F) {
	all := kinds(f)
	f.Add(all["sealed"].SealFields([]string{"t", "City"})[1])
	f.Fuzz(func(t *testing.T, v string) {
		if list, ok := all["sealed"].OpenFields([]string{sealedField, v}); ok {
			if got, ok := all["sealed"].OpenFields(all["sealed"].SealFields(list)); !ok || !slices.Equal(got, list) {
				t.Fatalf("%q", got)
			}
		}
	})
}

// seal appends the checksum.
func seal(v []byte) []byte { return binary.LittleEndian.AppendUint64(bytes.Clone(v), xxh3.Hash(v)) }

// BenchmarkValue measures writing and reading an answer of 5 KB.
func BenchmarkValue(b *testing.B) {
	s := page("")
	for _, name := range []string{"plain", "s2", "zstd", "sealed", "sealed s2"} {
		c := kinds(b)[name]
		v := c.Append(nil, s)
		b.Run("write/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Append(make([]byte, 0, c.Size(s)), s)
			}
			b.ReportMetric(float64(len(v)), "bytes")
		})
		b.Run("read/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode(v, &s.Digest, xxh3.Hash); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

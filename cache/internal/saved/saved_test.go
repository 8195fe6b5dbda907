package saved

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

type tags []string

func (t tags) Len() int        { return len(t) }
func (t tags) At(i int) []byte { return []byte(t[i]) }

func hash(b []byte) uint64 { return uint64(len(b)) }

func slots(n int) (list []*entry.Slot) {
	for i := range n {
		list = append(list, entry.Build(&entry.Draft{
			Entry:  entry.Entry{Digest: key.Key{byte(i), 1}, Head: []byte("head"), Body: bytes.Repeat([]byte("b"), 1000), Created: 1, Soft: 2, Hard: 3},
			Tags:   tags{"City", "City:5"},
			Origin: entry.Origin{Epoch: 7, AsOf: entry.Position{MS: 8, Seq: 9}},
		}, hash))
	}
	return list
}

var plain = func() *codec.Codec {
	c, err := codec.New(codec.Config{Namespace: "weir"})
	if err != nil {
		panic(err)
	}
	return c
}()

var head = &Head{Name: "weir\nbooks", Epoch: 7, AsOf: entry.Position{MS: 10, Seq: 11}}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.saved")
	if n, err := Write(path, plain, head, slots(3), 1<<20); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v: answers are for this user alone", info.Mode(), err)
	}
	var got []*entry.Slot
	h, err := Read(path, plain, head.Name, 1<<20, hash, func(s *entry.Slot) { got = append(got, s) })
	if err != nil || *h != *head || len(got) != 3 {
		t.Fatalf("%+v, %d, %v", h, len(got), err)
	}
	if s := got[2]; s.Digest[0] != 2 || len(s.Body) != 1000 || s.Tags.Len() != 2 || s.Epoch != 7 || s.AsOf.Seq != 9 {
		t.Errorf("%+v", s)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("%v is left", left)
	}
}

func TestFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.saved")
	n, err := Write(path, plain, head, slots(100), 20_000)
	if err != nil || n < 10 || n > 19 {
		t.Fatal(n, err)
	}
	if info, _ := os.Stat(path); info.Size() > 20_000 {
		t.Errorf("%d bytes", info.Size())
	}
	if _, err := Read(path, plain, head.Name, 5000, hash, func(*entry.Slot) { t.Error("taken") }); !errors.Is(err, ErrForeign) {
		t.Errorf("a file that is larger than the cache: %v", err)
	}
}

func TestWhatIsNotWholeGivesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.saved")
	none := func(*entry.Slot) { t.Error("an entry was taken") }
	if h, err := Read(path, plain, head.Name, 1<<20, hash, none); h != nil || err != nil {
		t.Errorf("no file: %v %v", h, err)
	}
	if _, err := Write(path, plain, head, slots(3), 1<<20); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(whole, plain, "another", hash, none); !errors.Is(err, ErrForeign) {
		t.Errorf("of another cache: %v", err)
	}
	for end := range whole {
		if _, err := Parse(whole[:end], plain, head.Name, hash, none); !errors.Is(err, ErrForeign) {
			t.Fatalf("cut off at %d: %v", end, err)
		}
	}
	for i := range whole {
		broken := bytes.Clone(whole)
		broken[i] ^= 0x40
		if _, err := Parse(broken, plain, head.Name, hash, none); !errors.Is(err, ErrForeign) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if _, err := Write(filepath.Join(path, "no", "folder"), plain, head, nil, 1); err == nil {
		t.Error("written into a file")
	}
}

func FuzzParse(f *testing.F) {
	path := filepath.Join(f.TempDir(), "cache.saved")
	if _, err := Write(path, plain, head, slots(2), 1<<20); err != nil {
		f.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	f.Add(whole)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		if h, err := Parse(b, plain, head.Name, hash, func(*entry.Slot) { n++ }); err != nil && (h != nil || n > 0) {
			t.Errorf("%d entries and %v", n, err)
		}
	})
}

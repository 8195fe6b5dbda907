package saved

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// ErrForeign tells that a file is damaged, cut off, of another version, or of another cache.
var ErrForeign = errors.New("saved: the file is damaged, cut off, of another version or of another cache")

// Head says where a file comes from.
type Head struct {
	Name  string // of the cache: its namespace and service
	Epoch uint64 // generation of the log
	AsOf  entry.Position
}

const (
	magic   = "WEIRL1\n"
	version = 1
	sumLen  = 8
)

// Write makes the file at path, whole or not at all, of at most limit bytes: slots beyond it are left out. c seals them when it has a key. It returns how many are in it.
//
//	magic version (len name) epoch asof.ms asof.seq  (len key value)…  xxh3
func Write(path string, c *codec.Codec, h *Head, slots []*entry.Slot, limit int64) (n int, err error) {
	b := append([]byte(magic), version)
	b = binary.AppendUvarint(b, uint64(len(h.Name)))
	b = append(b, h.Name...)
	for _, v := range [...]uint64{h.Epoch, h.AsOf.MS, h.AsOf.Seq} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // for this user alone
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			n = 0
			_ = tmp.Close() // again, perhaps
			_ = os.Remove(tmp.Name())
		}
	}()
	sum := xxh3.New()
	size := int64(0)
	flush := func() error {
		_, _ = sum.Write(b) // it does not fail
		size += int64(len(b))
		_, err := tmp.Write(b)
		b = b[:0]
		return err
	}
	var value []byte
	for _, s := range slots {
		value = c.Append(value[:0], s)
		if len(value) == 0 || size+int64(len(b)+len(value)+64) > limit {
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(value))), s.Digest[:]...)
		b = append(b, value...)
		n++
		if len(b) > 1<<20 {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	if err := flush(); err != nil {
		return n, err
	}
	if _, err := tmp.Write(binary.LittleEndian.AppendUint64(nil, sum.Sum64())); err != nil {
		return n, err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return n, err
	}
	return n, os.Rename(tmp.Name(), path)
}

// Read reads the file at path and gives its entries to take, none of them when it is not whole. A file that is not there has none. name is the
// cache's; hash names a tag for the tombstone table.
func Read(path string, c *codec.Codec, name string, limit int64, hash func([]byte) uint64, take func(*entry.Slot)) (*Head, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit+sumLen {
		return nil, ErrForeign
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(b, c, name, hash, take)
}

// Parse is Read of a file's content.
func Parse(b []byte, c *codec.Codec, name string, hash func([]byte) uint64, take func(*entry.Slot)) (*Head, error) {
	if len(b) < len(magic)+1+sumLen || string(b[:len(magic)]) != magic || b[len(magic)] != version {
		return nil, ErrForeign
	}
	content, sum := b[:len(b)-sumLen], binary.LittleEndian.Uint64(b[len(b)-sumLen:])
	if xxh3.Hash(content) != sum {
		return nil, ErrForeign
	}
	h, rest, ok := readHead(content[len(magic)+1:])
	if !ok || h.Name != name {
		return nil, ErrForeign
	}
	var slots []*entry.Slot
	for len(rest) > 0 {
		size, n := binary.Uvarint(rest)
		if n <= 0 || uint64(len(rest)-n) < uint64(len(key.Key{})) || size > uint64(len(rest)-n-len(key.Key{})) {
			return nil, ErrForeign
		}
		k := key.Key(rest[n : n+len(key.Key{})])
		rest = rest[n+len(k):]
		s, err := c.Decode(rest[:size], &k, hash)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForeign, err)
		}
		slots = append(slots, s)
		rest = rest[size:]
	}
	for _, s := range slots {
		take(s)
	}
	return h, nil
}

func readHead(b []byte) (h *Head, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) || len(b)-n-int(size) < 3*8 {
		return nil, nil, false
	}
	h = &Head{Name: string(b[n : n+int(size)])}
	b = b[n+int(size):]
	h.Epoch = binary.LittleEndian.Uint64(b)
	h.AsOf = entry.Position{MS: binary.LittleEndian.Uint64(b[8:]), Seq: binary.LittleEndian.Uint64(b[16:])}
	return h, b[24:], true
}

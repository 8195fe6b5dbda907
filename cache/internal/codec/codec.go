package codec

import (
	"encoding/binary"
	"errors"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// ErrCorrupt tells that a value is damaged, foreign or of another version.
var ErrCorrupt = errors.New("codec: value is damaged or of another version")

const (
	magic      = "WEIR"
	version    = 1
	fixed      = len(magic) + 1 + 1 + 32 + 8*8 + 4 + 3*4 // up to the variable part
	sumLen     = 8
	flagNeg    = 1
	flagPriv   = 2
	maxTagList = 1 << 20
)

// Append appends a slot's value.
//
//	magic version flags digest created soft hard worth epoch asof.ms asof.seq fetch  headLen bodyLen tags  head body  (len tag)…  xxh3
func Append(dst []byte, s *entry.Slot) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	var flags byte
	if s.Negative {
		flags |= flagNeg
	}
	if s.Private {
		flags |= flagPriv
	}
	dst = append(dst, version, flags)
	dst = append(dst, s.Digest[:]...)
	for _, v := range [...]uint64{
		uint64(s.Created), uint64(s.Soft), uint64(s.Hard), uint64(s.Worth), s.Epoch, s.AsOf.MS, s.AsOf.Seq, 0,
	} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = binary.LittleEndian.AppendUint32(dst, s.FetchMicros)
	for _, n := range [...]int{len(s.Head), len(s.Body), s.Tags.Len()} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	dst = append(append(dst, s.Head...), s.Body...)
	for i := range s.Tags.Len() {
		t := s.Tags.At(i)
		dst = binary.AppendUvarint(dst, uint64(len(t)))
		dst = append(dst, t...)
	}
	return binary.LittleEndian.AppendUint64(dst, xxh3.Hash(dst[start:]))
}

// Size is at least the length of a slot's value.
func Size(s *entry.Slot) int {
	n := fixed + sumLen + len(s.Head) + len(s.Body)
	for i := range s.Tags.Len() {
		n += len(s.Tags.At(i)) + binary.MaxVarintLen32
	}
	return n
}

type tags struct{ list [][]byte }

func (t *tags) Len() int        { return len(t.list) }
func (t *tags) At(i int) []byte { return t.list[i] }

// Decode reads the value of a key into a new slot; hash names a tag for the tombstone table. v is not kept.
func Decode(v []byte, k *key.Key, hash func([]byte) uint64) (*entry.Slot, error) {
	if len(v) < fixed+sumLen || string(v[:len(magic)]) != magic || v[len(magic)] != version || key.Key(v[6:38]) != *k {
		return nil, ErrCorrupt
	}
	body, sum := v[:len(v)-sumLen], binary.LittleEndian.Uint64(v[len(v)-sumLen:])
	if xxh3.Hash(body) != sum {
		return nil, ErrCorrupt
	}
	flags := v[5]
	u := func(i int) uint64 { return binary.LittleEndian.Uint64(v[38+8*i:]) }
	n := func(i int) int { return int(binary.LittleEndian.Uint32(v[38+64+4+4*i:])) }
	d := entry.Draft{
		Entry: entry.Entry{
			Digest: *k, Created: int64(u(0)), Soft: int64(u(1)), Hard: int64(u(2)), Worth: int64(u(3)),
			FetchMicros: binary.LittleEndian.Uint32(v[38+64:]), Negative: flags&flagNeg != 0, Private: flags&flagPriv != 0,
		},
		Origin: entry.Origin{Epoch: u(4), AsOf: entry.Position{MS: u(5), Seq: u(6)}},
	}
	rest := body[fixed:]
	head, content, count := n(0), n(1), n(2)
	if head < 0 || content < 0 || head > len(rest) || content > len(rest)-head || count > maxTagList || count > len(rest) {
		return nil, ErrCorrupt
	}
	d.Head, d.Body, rest = rest[:head], rest[head:head+content], rest[head+content:]
	list := &tags{make([][]byte, 0, count)}
	for range count {
		size, w := binary.Uvarint(rest)
		if w <= 0 || size > uint64(len(rest)-w) {
			return nil, ErrCorrupt
		}
		list.list = append(list.list, rest[w:w+int(size)])
		rest = rest[w+int(size):]
	}
	if len(rest) != 0 {
		return nil, ErrCorrupt
	}
	d.Tags = list
	return entry.Build(&d, hash), nil
}

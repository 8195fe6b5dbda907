package codec

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

type tags struct{ list [][]byte }

func (t *tags) Len() int        { return len(t.list) }
func (t *tags) At(i int) []byte { return t.list[i] }

// Decode reads the value of a key into a new slot; hash names a tag for the tombstone table. v is not kept. An error is a Reason.
func (c *Codec) Decode(v []byte, k *key.Key, hash func([]byte) uint64) (*entry.Slot, error) {
	flags, text, err := c.text(v, k)
	if err != nil {
		return nil, err
	}
	if len(text) < fixed {
		return nil, Damaged
	}
	if key.Key(text[:32]) != *k {
		return nil, Foreign
	}
	u := func(i int) uint64 { return binary.LittleEndian.Uint64(text[32+8*i:]) }
	n := func(i int) int { return int(binary.LittleEndian.Uint32(text[fixed-16+4*i:])) }
	d := entry.Draft{
		Entry: entry.Entry{
			Digest: *k, Created: int64(u(0)), Soft: int64(u(1)), Hard: int64(u(2)), Worth: int64(u(3)),
			FetchMicros: binary.LittleEndian.Uint32(text[32+7*8:]), Negative: flags&flagNegative != 0, Private: flags&flagPrivate != 0,
		},
		Origin: entry.Origin{Epoch: u(4), AsOf: entry.Position{MS: u(5), Seq: u(6)}},
	}
	data, head, body, names, count := text[fixed:], n(0), n(1), n(2), n(3)
	size := uint64(head) + uint64(body) + uint64(names)
	if size > uint64(c.cfg.Largest) {
		return nil, TooBig
	}
	if squeezed := flags & (flagS2 | flagZstd); squeezed != 0 {
		if size > minRoom && size/maxRatio > uint64(len(data)) {
			return nil, TooBig
		}
		if data, err = c.squeezer.stretch(data, squeezed, int(size)); err != nil {
			return nil, err
		}
	}
	if uint64(len(data)) != size || count > names { // each tag has a length
		return nil, Damaged
	}
	d.Head, d.Body = data[:head], data[head:head+body]
	list, ok := readTags(data[head+body:], count)
	if !ok {
		return nil, Damaged
	}
	d.Tags = list
	return entry.Build(&d, hash), nil
}

func readTags(rest []byte, count int) (*tags, bool) {
	list := &tags{make([][]byte, 0, count)}
	for range count {
		size, w := binary.Uvarint(rest)
		if w <= 0 || size > uint64(len(rest)-w) {
			return nil, false
		}
		list.list = append(list.list, rest[w:w+int(size)])
		rest = rest[w+int(size):]
	}
	return list, len(rest) == 0
}

// text checks a value as a whole and returns what follows its open part, unsealed.
func (c *Codec) text(v []byte, k *key.Key) (flags byte, text []byte, err error) {
	if len(v) < openLen || string(v[:len(magic)]) != magic || v[len(magic)] != version || v[len(magic)+1]&^allFlags != 0 {
		return 0, nil, Foreign
	}
	flags = v[len(magic)+1]
	if flags&flagSealed == 0 {
		if len(c.keys) > 0 {
			return 0, nil, Unsealed
		}
		if len(v) < openLen+fixed+sumLen {
			return 0, nil, Damaged
		}
		sum := len(v) - sumLen
		if xxh3.Hash(v[:sum]) != binary.LittleEndian.Uint64(v[sum:]) {
			return 0, nil, Damaged
		}
		return flags, v[openLen:sum], nil
	}
	id, rest, ok := keyID(v)
	if !ok || len(rest) < nonceSize+tagSize {
		return 0, nil, Damaged
	}
	by := c.keys.find(id)
	if by == nil {
		return 0, nil, UnknownKey
	}
	var buf [256]byte
	extra := c.extra(buf[:0], v[:len(v)-len(rest)], k)
	text, err = by.values.open(nil, rest[:nonceSize], rest[nonceSize:], extra)
	if err != nil {
		return 0, nil, Forged
	}
	return flags, text, nil
}

// keyID reads the id of a sealed value's key.
func keyID(v []byte) (id string, rest []byte, ok bool) {
	if len(v) <= openLen {
		return "", nil, false
	}
	n := int(v[openLen])
	if n == 0 || n > maxID || len(v) < openLen+1+n {
		return "", nil, false
	}
	return string(v[openLen+1 : openLen+1+n]), v[openLen+1+n:], true
}

// HeadLen is how many bytes of a value IsOf wants.
const HeadLen = openLen + 1 + maxID

// Tenant is a tenant as values mark it, under each key that this process has.
type Tenant struct {
	plain Mark
	keyed map[string]Mark
}

// TenantOf prepares the search for the values of a tenant, named as TenantTag names it.
func (c *Codec) TenantOf(id string) *Tenant {
	t := &Tenant{plain: (*sealer)(nil).markOf([]byte(id)), keyed: map[string]Mark{}}
	for _, s := range c.keys {
		t.keyed[s.id] = s.markOf([]byte(id))
	}
	return t
}

// Owns reports whether a value, of which the first HeadLen bytes are enough, is of the tenant.
func (t *Tenant) Owns(head []byte) bool {
	if len(head) < openLen || string(head[:len(magic)]) != magic || head[len(magic)] != version {
		return false
	}
	mark := Mark(head[openLen-len(Mark{}):])
	if head[len(magic)+1]&flagSealed == 0 {
		return mark == t.plain
	}
	id, _, ok := keyID(head)
	want, known := t.keyed[id]
	return ok && known && mark == want
}

package codec

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

const (
	magic   = "WEIR"
	version = 2
	// openLen is the part that is never sealed: magic, version, flags, the tenant's mark.
	openLen = len(magic) + 1 + 1 + len(Mark{})
	// fixed is the part of known length behind it: digest, times and position, fetch, lengths of head, body and tags, number of tags.
	fixed  = 32 + 7*8 + 4 + 4*4
	sumLen = 8

	flagNegative = 1
	flagPrivate  = 2
	flagS2       = 4
	flagZstd     = 8
	flagSealed   = 16
	allFlags     = 31

	// maxRatio is how much larger data may become, whatever the value says: data of a cache is text.
	maxRatio = 1024
	minRoom  = 64 << 10
)

// Mark stands for a tenant in a value. Zero: none.
type Mark [8]byte

// TenantTag begins the tag that names an entry's tenant.
const TenantTag = "@tenant:"

// Config sets up a Codec. The zero value writes plain values and takes any size.
type Config struct {
	Namespace   string
	Keys        []Key  // none: values and records are not sealed
	Compression string // None, S2 or Zstd; empty: none
	Above       int    // data up to this size is not compressed
	Largest     int    // data that would become larger is refused; 0: 64 MiB
}

// Codec writes and reads values and records. It is safe for concurrent use.
type Codec struct {
	cfg      Config
	keys     keyring
	squeezer squeezer
	scratch  sync.Pool // of *[]byte
}

// New checks the configuration.
func New(cfg Config) (*Codec, error) {
	if cfg.Largest <= 0 {
		cfg.Largest = 64 << 20
	}
	keys, err := newKeyring(cfg.Keys)
	if err != nil {
		return nil, err
	}
	q, err := newSqueezer(cfg.Compression, cfg.Largest)
	if err != nil {
		return nil, err
	}
	return &Codec{cfg: cfg, keys: keys, squeezer: q, scratch: sync.Pool{New: func() any { return new([]byte) }}}, nil
}

// Append appends a slot's value.
//
//	magic version flags tenant [idLen id nonce]                              open
//	digest created soft hard worth epoch asof.ms asof.seq fetch              sealed when there is a key
//	headLen bodyLen tagsLen tags
//	head body (len tag)…                                                     compressed when that is worth it
//	xxh3 | tag of the seal
func (c *Codec) Append(dst []byte, s *entry.Slot) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	var flags byte
	if s.Negative {
		flags |= flagNegative
	}
	if s.Private {
		flags |= flagPrivate
	}
	var by *sealer
	if len(c.keys) > 0 {
		by = c.keys[0]
		flags |= flagSealed
	}
	dst = append(dst, version, flags)
	mark := c.markOf(by, s)
	dst = append(dst, mark[:]...)
	if by != nil {
		dst = append(append(dst, byte(len(by.id))), by.id...)
		dst = appendNonce(dst)
	}
	text := len(dst)
	dst = appendFixed(dst, s)
	dst, squeezed := c.appendData(dst, s)
	dst[start+len(magic)+1] |= squeezed
	if by == nil {
		return binary.LittleEndian.AppendUint64(dst, xxh3.Hash(dst[start:]))
	}
	var buf [256]byte
	extra := c.extra(buf[:0], dst[start:text-nonceSize], &s.Digest)
	out, err := by.values.seal(dst[:text], dst[text-nonceSize:text], dst[text:], extra)
	if err != nil { // cannot be: the sizes of keys are checked
		return dst[:start]
	}
	return out
}

// extra is what a seal holds together with the sealed part: all that is open, where the value belongs, and its full key.
func (c *Codec) extra(dst, open []byte, k *key.Key) []byte {
	dst = append(append(dst, "weir value"...), open...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(c.cfg.Namespace)))
	return append(append(dst, c.cfg.Namespace...), k[:]...)
}

func (c *Codec) markOf(by *sealer, s *entry.Slot) (m Mark) {
	for i := range s.Tags.Len() {
		if id, ok := bytes.CutPrefix(s.Tags.At(i), []byte(TenantTag)); ok {
			return by.markOf(id)
		}
	}
	return m
}

func appendFixed(dst []byte, s *entry.Slot) []byte {
	dst = append(dst, s.Digest[:]...)
	for _, v := range [...]uint64{
		uint64(s.Created), uint64(s.Soft), uint64(s.Hard), uint64(s.Worth), s.Epoch, s.AsOf.MS, s.AsOf.Seq,
	} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = binary.LittleEndian.AppendUint32(dst, s.FetchMicros)
	for _, n := range [...]int{len(s.Head), len(s.Body), tagsLen(s), s.Tags.Len()} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return dst
}

func tagsLen(s *entry.Slot) (n int) {
	var buf [binary.MaxVarintLen64]byte
	for i := range s.Tags.Len() {
		size := len(s.Tags.At(i))
		n += size + binary.PutUvarint(buf[:], uint64(size))
	}
	return n
}

func appendPlain(dst []byte, s *entry.Slot) []byte {
	dst = append(append(dst, s.Head...), s.Body...)
	for i := range s.Tags.Len() {
		t := s.Tags.At(i)
		dst = binary.AppendUvarint(dst, uint64(len(t)))
		dst = append(dst, t...)
	}
	return dst
}

// keepScratch is the largest piece of memory that is kept for the next value.
const keepScratch = 1 << 20

// appendData appends head, body and tags, compressed when they are large enough.
func (c *Codec) appendData(dst []byte, s *entry.Slot) (out []byte, flag byte) {
	if c.squeezer.flag == 0 || len(s.Head)+len(s.Body) <= c.cfg.Above {
		return appendPlain(dst, s), 0
	}
	scratch := c.scratch.Get().(*[]byte)
	data := appendPlain((*scratch)[:0], s)
	out, flag = c.squeezer.squeeze(dst, data)
	if cap(data) <= keepScratch {
		*scratch = data
		c.scratch.Put(scratch)
	}
	return out, flag
}

// Size is at least the length of a slot's value, compressed or not.
func (c *Codec) Size(s *entry.Slot) int {
	n := openLen + 1 + maxID + nonceSize + fixed + tagSize + len(s.Head) + len(s.Body) + tagsLen(s)
	if c.squeezer.flag != 0 {
		n += n/6 + 32 // before it is known whether it becomes smaller
	}
	return n
}

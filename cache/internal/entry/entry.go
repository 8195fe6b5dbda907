package entry

import (
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/weirproxy/weir/cache/internal/key"
)

// Entry is one stored answer. It is immutable: readers must not write to it or to what it points to.
type Entry struct {
	Digest      key.Key  // the full key
	Head        []byte   // opaque to the cache, small: the owner's framing facts
	Body        []byte   // served as it is
	Created     int64    // unix ns, when the fill was completed
	Soft        int64    // unix ns; fresh before it
	Hard        int64    // unix ns; may be served stale before it, never after; a soft invalidation brings it forward
	Worth       int64    // opaque number of the owner: what the fill cost, pico-USD
	AsOf        Position // log position at which the fill began
	FetchMicros uint32   // how long the fill took, µs
	Negative    bool     // the answer says that something does not exist
	Private     bool     // never served stale
	Tags        Tags     // names an invalidation may use
}

// Origin says in which history an entry was filled.
type Origin struct {
	Epoch uint64   // generation of the log; entries of another generation are invalid
	AsOf  Position // last position applied here before the fill began
	Began uint64   // local sequence at which the fill began; 0: filled by another process
}

// Slot is an Entry with what the cache must remember of it.
type Slot struct {
	Entry
	Epoch  uint64
	Hashes []uint64 // of Tags, with the seed of this process
	Early  int64    // unix ns; before it no early refresh is considered
	Cost   int64    // bytes this slot is charged for

	// Mark holds the local sequence up to which the slot is known to be valid, shifted left by MarkShift, and the flags
	// below. It starts at the sequence at which the fill began (0 for a slot of another process).
	Mark atomic.Uint64
	// softened is when the first soft invalidation of the slot came, unix ns; 0: none has. It is set before the mark says so.
	softened atomic.Int64
	// Left is set when the slot is no longer charged to the tier of this process.
	Left atomic.Bool
	// Place is where the reverse index has the slot; its lock guards it.
	Place int32
	// Listed says that the reverse index has, or had, the slot; the tier's lock guards it.
	Listed bool
	roomy  bool // it is the first field of a roomy
	// Uses is about how often the slot has answered since it was last looked at for that.
	Uses atomic.Uint32

	hands atomic.Uint32 // who has read Head, Body and Tags, or whether nobody may any more
}

// Of returns the slot of an entry that has left the cache: each of those is the first field of its slot, and no other may be asked about.
func Of(e *Entry) *Slot { return (*Slot)(unsafe.Pointer(e)) }

// Flags in the low bits of Slot.Mark.
const (
	MarkDead  = 1 // invalid for ever
	MarkSoft  = 2 // stale by a soft invalidation
	MarkShift = 2
)

// Soften notes a soft invalidation of unix ns at; the earliest one counts. It is called before the slot is marked.
func (s *Slot) Soften(at int64) {
	at = max(at, 1)
	for {
		known := s.softened.Load()
		if known != 0 && known <= at || s.softened.CompareAndSwap(known, at) {
			return
		}
	}
}

// StaleFrom is from when on the slot may answer as a stale one only, unix ns: the end of its fresh time, or a soft invalidation before it.
func (s *Slot) StaleFrom() int64 {
	if at := s.softened.Load(); at != 0 {
		return min(at, s.Soft)
	}
	return s.Soft
}

// End is from when on the slot may not answer at all, unix ns: a soft invalidation ends the fresh time, and the stale time begins with it.
func (s *Slot) End() int64 { return s.StaleFrom() + (s.Hard - s.Soft) }

// Draft is what Build copies into a Slot.
type Draft struct {
	Entry             // Head and Body are copied, Tags ignored
	Tags  interface { // names to copy; nil: none
		Len() int
		At(i int) []byte
	}
	Origin Origin
	// Spares lends memory that nobody reads any more; nil: none.
	Spares Spares
	// Unkept is how many bytes more are charged, for content that is only told of: in a simulation.
	Unkept int
}

// Spares is memory to be used again.
type Spares interface {
	Take(size int) []byte // of at least so many bytes; nil: none
	Slot() *Slot          // cleared; nil: none
}

// slotOverhead is the Slot and its share of the maps that hold it, half empty as they may be.
const slotOverhead = int64(unsafe.Sizeof(Slot{})) + 192

// allocated is about what the allocator takes for n bytes.
func allocated(n int) int64 { return int64(n + n/16 + 16) }

// Build copies a draft into a new Slot; hash names a tag for the tombstone table. Before Head, Body or Tags of a slot are read that others
// have a hold of too, it must have been asked or pinned.
func Build(d *Draft, hash func([]byte) uint64) *Slot {
	n, size := 0, len(d.Head)+len(d.Body)
	if d.Tags != nil {
		n = d.Tags.Len()
		for i := range n {
			size += len(d.Tags.At(i))
		}
	}
	s := d.slot(n)
	ends := s.Tags.ends
	s.Entry, s.Epoch = d.Entry, d.Origin.Epoch
	s.AsOf = d.Origin.AsOf
	s.Mark.Store(d.Origin.Began << MarkShift)
	buf := d.room(size)
	buf = append(buf, d.Head...)
	buf = append(buf, d.Body...)
	start := len(buf)
	for i := range n {
		t := d.Tags.At(i)
		buf = append(buf, t...)
		ends[i] = uint32(len(buf) - start)
		s.Hashes[i] = hash(t)
	}
	s.Head, s.Body = buf[:len(d.Head):len(d.Head)], buf[len(d.Head):start:start]
	s.Tags = Tags{names: buf[start:size], ends: ends}
	s.Cost = Charge(size+d.Unkept, n)
	return s
}

// room returns memory for size bytes, used again where there is some.
func (d *Draft) room(size int) []byte {
	if d.Spares != nil {
		if b := d.Spares.Take(size); b != nil {
			return b[:0]
		}
	}
	if size == 0 {
		return nil
	}
	var text strings.Builder // unlike make it does not clear what is then written over
	text.Grow(size)
	text.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(text.String()), size)[:0]
}

// Charge is what a slot costs whose head, body and n tags take so many bytes.
func Charge(bytes, n int) int64 {
	return slotOverhead + allocated(bytes) + allocated(8*n) + allocated(4*n)
}

// fewTags is how many tags find room beside their slot, in one piece of memory: the allocator and the collector have half the work.
const fewTags = 8

type roomy struct {
	Slot
	hashes [fewTags]uint64
	ends   [fewTags]uint32
}

// slot returns a slot with room for n tags, used again where there is one.
func (d *Draft) slot(n int) *Slot {
	if n > fewTags {
		return &Slot{Hashes: make([]uint64, n), Entry: Entry{Tags: Tags{ends: make([]uint32, n)}}}
	}
	var s *roomy
	if d.Spares != nil {
		s = (*roomy)(unsafe.Pointer(d.Spares.Slot()))
	}
	switch {
	case s != nil:
	case n == 0:
		return new(Slot)
	default:
		s = new(roomy)
	}
	s.roomy = true
	s.Hashes, s.Slot.Tags.ends = s.hashes[:n:n], s.ends[:n:n]
	return &s.Slot
}

// Tags is an immutable list of names.
type Tags struct {
	names []byte
	ends  []uint32
}

// Len returns the number of names.
func (t Tags) Len() int { return len(t.ends) }

// At returns the i-th name; the caller must not write to it.
func (t Tags) At(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.names[start:t.ends[i]:t.ends[i]]
}

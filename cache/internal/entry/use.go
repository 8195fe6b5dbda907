package entry

import "unsafe"

// What has been done with the memory of a slot.
const (
	useAsked  = 1 << iota // the slot has answered
	usePinned             // it is read for another reason
	useWanted             // a reader was told to refresh it early
	useServed             // it has answered while it was fresh: its key is asked for more than once in a life
	useLeased             // this process had the fleet's lease for its fetch
	useQueued             // it waits to be written to the shared tier
	useMade               // the one who made it is not done with it
	useLeft               // it has left the tier; alone: its memory serves another slot, and nobody may read it
)

// Ask notes that the slot answers, which lets its memory be read for ever; false: it is too late, and there is no such slot any more. It
// writes only once: readers share the slot.
func (s *Slot) Ask() bool { return s.use(useAsked) }

// Pin is Ask for those who read the slot and do not answer with it.
func (s *Slot) Pin() bool { return s.use(usePinned) }

// Queue and Make begin, before the slot is shared, what Written and Done end; Leave is the end of its place in the tier. Each is called once, and does not look
// at the slot afterwards: who is the last of them gets true when nobody has asked for the slot or pinned it. Its memory is then the caller's.

// Queue notes that the slot is read until it was written to the shared tier.
func (s *Slot) Queue() { s.hands.Or(useQueued) }

// Make notes that the one who made the slot reads it until it is Done.
func (s *Slot) Make() { s.hands.Or(useMade) }

// Written ends what Queue began.
func (s *Slot) Written() (free bool) { return s.hands.And(^uint32(useQueued)) == useQueued|useLeft }

// Done ends what Make began.
func (s *Slot) Done() (free bool) { return s.hands.And(^uint32(useMade)) == useMade|useLeft }

// Leave notes that the slot has left the tier.
func (s *Slot) Leave() (free bool) { return s.hands.Or(useLeft) == 0 }

// Asked reports whether the slot has answered.
func (s *Slot) Asked() bool { return s.hands.Load()&useAsked != 0 }

// Want notes that a reader was told to refresh the slot, which it has asked for; only the first gets true. The first Lookup to see it may
// lead.
func (s *Slot) Want() bool { return !s.Wanted() && s.hands.Or(useWanted)&useWanted == 0 }

// Wanted reports whether a reader was told to refresh the slot.
func (s *Slot) Wanted() bool { return s.hands.Load()&useWanted != 0 }

// Serve notes that the slot, which was asked, answers while it is fresh. It writes only once: readers share the slot.
func (s *Slot) Serve() {
	if !s.Served() {
		s.hands.Or(useServed)
	}
}

// Lease notes, before the slot is shared, that this process fetched it for the fleet.
func (s *Slot) Lease() { s.hands.Or(useLeased) }

// Served reports whether it has answered while it was fresh.
func (s *Slot) Served() bool { return s.hands.Load()&useServed != 0 }

// Leased reports whether this process fetched it for the fleet.
func (s *Slot) Leased() bool { return s.hands.Load()&useLeased != 0 }

func (s *Slot) use(how uint32) bool {
	for {
		u := s.hands.Load()
		switch {
		case u&how != 0:
			return true
		case u == useLeft:
			return false
		}
		if s.hands.CompareAndSwap(u, u|how) {
			return true
		}
	}
}

// Bytes is the memory of Head, Body and Tags, for its last owner; nil when there is none that can be used again.
func (s *Slot) Bytes() []byte {
	size := len(s.Head) + len(s.Body) + cap(s.Tags.names) // Build has put them side by side
	if size == 0 || cap(s.Tags.names) == 0 {
		return nil
	}
	b := unsafe.Slice(unsafe.SliceData(s.Head), size)
	if overwrite {
		for i := range b {
			b[i] = 0xdb
		}
	}
	return b
}

// Clear makes the slot one that Build may use again, for its last owner; false when it has no room for tags.
func (s *Slot) Clear() bool {
	if !s.roomy {
		return false
	}
	*(*roomy)(unsafe.Pointer(s)) = roomy{}
	if overwrite {
		s.Digest[0] = 0xdb
	}
	return true
}

package remote

import "sync"

// part is a share of the values that fails on its own: all of a single server, or a piece of a cluster's slots. A master that is dead
// must not keep the values of the others away, so each part has a breaker, a queue and readers of its own.
type part struct {
	breaker breaker
	queue   chan *read
}

const (
	// clusterParts is how many parts a cluster's slots make. Masters hold ranges of slots, mostly.
	clusterParts = 16
	slots        = 16384
)

func newParts(n int) []part {
	list := make([]part, n)
	for i := range list {
		list[i].queue = make(chan *read, readQueue/n)
	}
	return list
}

// part returns the part of a value's name. Names have no braces, so the whole name decides the slot.
func (v *Values) part(name string) *part {
	if len(v.parts) == 1 {
		return &v.parts[0]
	}
	return &v.parts[int(crc16(name))%slots*len(v.parts)/slots]
}

// Breakers returns how many breakers are in each state at unix ns now.
func (v *Values) Breakers(now int64) (closed, halfOpen, open int) {
	for i := range v.parts {
		switch v.parts[i].breaker.state(now) {
		case "closed":
			closed++
		case "open":
			open++
		default:
			halfOpen++
		}
	}
	return closed, halfOpen, open
}

var crcTable = sync.OnceValue(func() *[256]uint16 {
	t := new([256]uint16)
	for i := range t {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
})

// crc16 is the checksum that gives a key its slot: CRC-16/XMODEM.
func crc16(name string) (c uint16) {
	t := crcTable()
	for i := range len(name) {
		c = c<<8 ^ t[byte(c>>8)^name[i]]
	}
	return c
}

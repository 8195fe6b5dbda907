package line

import (
	"bytes"

	"github.com/weirproxy/weir/proxy/internal/cachecontrol"
)

// said is a value of Cache-Control and what it means: an origin says the same most of the time.
type said struct {
	value   []byte
	control cachecontrol.Control
	read    bool // false: nothing was read yet
}

// control is cachecontrol.Parse with the memory of the last value.
func (x *Exchange) control(v []byte) *cachecontrol.Control {
	if s := &x.said; !s.read || !bytes.Equal(v, s.value) {
		s.value, s.control, s.read = append(s.value[:0], v...), cachecontrol.Parse(v), true
	}
	return &x.said.control
}

func is(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

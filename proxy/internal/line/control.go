package line

import (
	"bytes"
	"strconv"
	"time"
)

// control is what a response's Cache-Control says (RFC 9111, section 5.2.2), as far as a shared cache obeys it.
type control struct {
	present             bool
	read                bool // false: nothing was read yet
	noStore, noCache    bool
	private, public     bool
	revalidate          bool // must-revalidate or proxy-revalidate
	mustRevalidate      bool
	maxAge, sharedAge   int64 // seconds; -1: absent
	staleWhile, staleIf int64 // RFC 5861; -1: absent
}

// said is a value of Cache-Control and what it means: an origin says the same most of the time.
type said struct {
	value   []byte
	control control
}

// control is readControl with the memory of the last value.
func (x *Exchange) control(v []byte) *control {
	if s := &x.said; len(v) != len(s.value) || !bytes.Equal(v, s.value) || !s.control.read {
		s.value, s.control = append(s.value[:0], v...), readControl(v)
		s.control.read = true
	}
	return &x.said.control
}

// readControl parses the value of Cache-Control; unknown directives and broken numbers are skipped.
func readControl(v []byte) control {
	c := control{maxAge: -1, sharedAge: -1, staleWhile: -1, staleIf: -1, present: len(v) > 0}
	for len(v) > 0 {
		var item []byte
		item, v = cutDirective(v)
		name, value, _ := bytes.Cut(bytes.TrimSpace(item), []byte("="))
		switch {
		case is(name, "no-store"):
			c.noStore = true
		case is(name, "no-cache"):
			c.noCache = true
		case is(name, "private"):
			c.private = true
		case is(name, "public"):
			c.public = true
		case is(name, "must-revalidate"):
			c.revalidate, c.mustRevalidate = true, true
		case is(name, "proxy-revalidate"):
			c.revalidate = true
		case is(name, "max-age"):
			c.maxAge = sooner(c.maxAge, seconds(value))
		case is(name, "s-maxage"):
			c.sharedAge = sooner(c.sharedAge, seconds(value))
		case is(name, "stale-while-revalidate"):
			c.staleWhile = sooner(c.staleWhile, seconds(value))
		case is(name, "stale-if-error"):
			c.staleIf = sooner(c.staleIf, seconds(value))
		}
	}
	return c
}

// cutDirective splits a list at its first comma outside quotes.
func cutDirective(v []byte) (item, rest []byte) {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '\\' && quoted:
			i++
		case v[i] == '"':
			quoted = !quoted
		case v[i] == ',' && !quoted:
			return v[:i], v[i+1:]
		}
	}
	return v, nil
}

// sooner joins two values of a directive that came twice; -1 is none.
func sooner(have, more int64) int64 {
	if have < 0 {
		return more
	}
	return min(have, more)
}

func is(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

// forbids reports whether the answer may not be kept at all for the given kind of entry.
func (c *control) forbids(private bool) bool {
	return c.noStore || c.noCache || (c.private && !private)
}

// ttl is the explicit lifetime; ok is false when there is none. s-maxage goes before max-age in a shared cache.
func (c *control) ttl() (d time.Duration, ok bool) {
	s := c.sharedAge
	if s < 0 {
		s = c.maxAge
	}
	return time.Duration(s) * time.Second, s >= 0
}

// seconds reads delta-seconds (RFC 9111, section 1.2.2): too large counts as 2^31, broken as 0, so that it is never fresh.
func seconds(v []byte) int64 {
	v = bytes.Trim(v, `"`)
	if len(v) == 0 {
		return 0
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0
		}
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n > 1<<31 {
		return 1 << 31
	}
	return n
}

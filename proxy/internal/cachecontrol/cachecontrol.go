package cachecontrol

import (
	"bytes"
	"strconv"
	"time"
)

// Control is what a value of Cache-Control says, as far as a shared cache obeys it.
type Control struct {
	Present             bool
	NoStore, NoCache    bool
	Private, Public     bool
	Revalidate          bool // must-revalidate or proxy-revalidate
	MustRevalidate      bool
	MaxAge, SharedAge   int64 // seconds; -1: absent
	StaleWhile, StaleIf int64 // RFC 5861; -1: absent
}

// Parse reads the value of Cache-Control; unknown directives and broken numbers are skipped.
func Parse(v []byte) Control {
	c := Control{MaxAge: -1, SharedAge: -1, StaleWhile: -1, StaleIf: -1, Present: len(v) > 0}
	for len(v) > 0 {
		var item []byte
		item, v = cutDirective(v)
		name, value, _ := bytes.Cut(bytes.TrimSpace(item), []byte("="))
		switch {
		case is(name, "no-store"):
			c.NoStore = true
		case is(name, "no-cache"):
			c.NoCache = true
		case is(name, "private"):
			c.Private = true
		case is(name, "public"):
			c.Public = true
		case is(name, "must-revalidate"):
			c.Revalidate, c.MustRevalidate = true, true
		case is(name, "proxy-revalidate"):
			c.Revalidate = true
		case is(name, "max-age"):
			c.MaxAge = sooner(c.MaxAge, Seconds(value))
		case is(name, "s-maxage"):
			c.SharedAge = sooner(c.SharedAge, Seconds(value))
		case is(name, "stale-while-revalidate"):
			c.StaleWhile = sooner(c.StaleWhile, Seconds(value))
		case is(name, "stale-if-error"):
			c.StaleIf = sooner(c.StaleIf, Seconds(value))
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

// Forbids reports whether the answer may not be kept at all for the given kind of entry.
func (c *Control) Forbids(private bool) bool {
	return c.NoStore || c.NoCache || (c.Private && !private)
}

// ForAll reports whether an answer to credentials may be shared: the upstream has to say so (RFC 9111, section 3.5).
func (c *Control) ForAll() bool { return c.Public || c.SharedAge >= 0 || c.MustRevalidate }

// TTL is the explicit lifetime; ok is false when there is none. s-maxage goes before max-age in a shared cache.
func (c *Control) TTL() (d time.Duration, ok bool) {
	s := c.SharedAge
	if s < 0 {
		s = c.MaxAge
	}
	return time.Duration(s) * time.Second, s >= 0
}

// Seconds reads delta-seconds (RFC 9111, section 1.2.2): too large counts as 2^31, broken as 0, so that it is never fresh.
func Seconds(v []byte) int64 {
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

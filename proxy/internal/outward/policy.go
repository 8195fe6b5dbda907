package outward

import "strconv"

// Policy says which header lines go out. The zero value changes nothing.
type Policy struct {
	CacheControl     bool
	CDNCacheControl  bool
	SurrogateControl bool
	SurrogateKey     Tags
	CacheTag         Tags
	CacheGroups      Tags
	CatchAll         string // the tag in place of those that do not fit
}

// Tags bounds one header of tags.
type Tags struct {
	Enabled  bool
	MaxBytes int // of the value
	MaxTag   int // bytes of one tag; a longer one does not fit
	MaxTags  int
}

// On reports whether any line is asked for.
func (p *Policy) On() bool {
	return p.CacheControl || p.CDNCacheControl || p.SurrogateControl || p.SurrogateKey.Enabled || p.CacheTag.Enabled || p.CacheGroups.Enabled
}

// Describe appends what tells two policies apart: entries rendered by one are not served by the other.
func (p *Policy) Describe(dst []byte) []byte {
	if !p.On() {
		return dst
	}
	dst = append(dst, "outward"...)
	for _, b := range []bool{p.CacheControl, p.CDNCacheControl, p.SurrogateControl} {
		dst = strconv.AppendBool(append(dst, 0), b)
	}
	for _, t := range []Tags{p.SurrogateKey, p.CacheTag, p.CacheGroups} {
		if !t.Enabled {
			dst = append(dst, 0)
			continue
		}
		for _, n := range []int{t.MaxBytes, t.MaxTag, t.MaxTags} {
			dst = strconv.AppendInt(append(dst, 0), int64(n), 10)
		}
	}
	return append(append(dst, 0), p.CatchAll...)
}

// names are the headers that Render and Refuse write in place of the origin's; the order is that of replaces.
var names = [...]string{"cache-control", "cdn-cache-control", "surrogate-control", "surrogate-key", "cache-tag", "cache-groups", "age", "expires", "pragma"}

// Replaces reports whether the origin's line of this name does not go out: Cache-Control with what belongs to it where that is ours to
// say, and lifetimes and tags for others always, for the origin's tags are among the answer's.
func (p *Policy) Replaces(name []byte) bool {
	for i, n := range names {
		if len(n) == len(name) && equalFold(name, n) {
			return p.CacheControl || i != 0 && i < 6
		}
	}
	return false
}

func equalFold(b []byte, lower string) bool {
	for i := range len(lower) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

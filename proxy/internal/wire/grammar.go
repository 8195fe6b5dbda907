package wire

import (
	"bytes"
	"encoding/binary"
)

// isToken tells the bytes of a token (RFC 9110, section 5.6.2).
var isToken = table("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

// isName tells the bytes of a registered name or IPv4 address, without escapes.
var isName = table(".-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

func table(chars string) (t [256]bool) {
	for i := range len(chars) {
		t[chars[i]] = true
	}
	return t
}

// isValue tells the bytes of a field value: no controls but the tab.
func isValue(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }

// isTarget tells the bytes of a request target.
func isTarget(c byte) bool { return c > ' ' && c != 0x7f }

// areValues reports whether all bytes may stand in a field value. Eight bytes are looked at together: the high bit of a lane of `low` is
// set when that byte is below 0x20, of `del` when it is 0x7f; a borrow may set a lane above a true one too, which only sends the word to
// the byte-wise check.
func areValues(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		low := (w - ones*0x20) &^ w
		x := w ^ ones*0x7f
		del := (x - ones) &^ x
		if (low|del)&highs != 0 {
			for _, c := range b[:8] {
				if !isValue(c) {
					return false
				}
			}
		}
		b = b[8:]
	}
	for _, c := range b {
		if !isValue(c) {
			return false
		}
	}
	return true
}

// equalFold compares ASCII without case; lower is in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
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

// trim moves start and end past blanks.
func trim(b []byte, start, end int) (int, int) {
	for start < end && (b[start] == ' ' || b[start] == '\t') {
		start++
	}
	for end > start && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	return start, end
}

// nextToken cuts the first element off a comma-separated list.
func nextToken(list []byte) (token, rest []byte) {
	end := bytes.IndexByte(list, ',')
	if end < 0 {
		end = len(list)
	} else {
		rest = list[end+1:]
	}
	s, e := trim(list, 0, end)
	return list[s:e], rest
}

// hasToken reports whether a comma-separated list holds the token.
func hasToken(list []byte, lower string) bool {
	for len(list) > 0 {
		var token []byte
		if token, list = nextToken(list); equalFold(token, lower) {
			return true
		}
	}
	return false
}

// number reads up to 18 decimal digits without leading zeros.
func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := int64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// isOrdinaryHost reports whether a Host value is a name or an address, with or without a port.
func isOrdinaryHost(b []byte) bool {
	i := 0
	if len(b) > 0 && b[0] == '[' { // an IPv6 address; fasthttp is asked about anything but plain ones
		return false
	}
	for i < len(b) && isName[b[i]] {
		i++
	}
	if i == 0 {
		return false
	}
	if i == len(b) {
		return true
	}
	if b[i] != ':' || len(b)-i > 6 {
		return false
	}
	for _, c := range b[i+1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

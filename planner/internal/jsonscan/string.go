package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// SkipString checks the string that starts at b[i] and returns the position behind its closing quote, and whether it
// holds escapes. The text between the quotes is b[i+1:end-1].
func SkipString(b []byte, i int) (end int, escaped, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false, false
	}
	i++
	for {
		i = plain(b, i)
		if i >= len(b) {
			return i, escaped, false
		}
		switch b[i] {
		case '"':
			return i + 1, escaped, true
		case '\\':
			escaped = true
			if i = skipEscape(b, i); i < 0 {
				return len(b), true, false
			}
		default:
			return i, escaped, false
		}
	}
}

// plain returns the first position at or after i that holds a quote, a backslash or a control character. Most texts are short: it looks at two words of
// eight bytes before it goes on in larger steps.
func plain(b []byte, i int) int {
	for n := 0; len(b)-i >= 8; n++ {
		if n == 2 {
			if i = long(b, i); len(b)-i < 8 {
				break
			}
		}
		if hit := special(binary.LittleEndian.Uint64(b[i:])) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// special sets the high bit of the first of eight bytes that is a quote, a backslash or a control character; those of bytes behind it
// may be wrong, as all other bits. With one bit turned over the quote stands right behind the control characters, where the space was.
func special(w uint64) uint64 {
	control, slash := w^ones*('"'^0x20), w^ones*'\\'
	return (control-ones*0x21)&^control | (slash-ones)&^slash
}

// skipEscape returns the position behind the escape at b[i], or -1.
func skipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if _, ok := hex4(b, i+2); ok {
			return i + 6
		}
	}
	return -1
}

func hex4(b []byte, i int) (rune, bool) {
	if len(b)-i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// AppendUnescaped appends the text of a string to dst, escapes undone; raw is what stands between the quotes and must
// have been accepted by SkipString. A surrogate without its partner is no character; it becomes the three bytes that UTF-8 would spend on it,
// which are not valid UTF-8, so that no two texts become one.
func AppendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		start := i
		for i < len(raw) && raw[i] != '\\' {
			i++
		}
		dst = append(dst, raw[start:i]...)
		if i+1 >= len(raw) {
			break
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(raw, i)
			i = min(i+4, len(raw))
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					if low, ok := hex4(raw, i+2); ok {
						pair = utf16.DecodeRune(r, low)
					}
				}
				if pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			if utf16.IsSurrogate(r) {
				dst = append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
				continue
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// EqualKey tells whether the string between the quotes, raw, spells want. It undoes escapes without a buffer.
func EqualKey(raw []byte, escaped bool, want string) bool {
	if !escaped {
		return string(raw) == want
	}
	if len(want) > 128 || len(raw) > 6*len(want) {
		return false
	}
	var buf [160]byte
	return string(AppendUnescaped(buf[:0], raw)) == want
}

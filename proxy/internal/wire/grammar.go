package wire

// isToken tells the bytes of a token (RFC 9110, section 5.6.2).
var isToken = table("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

// isHost tells the bytes of an ordinary Host value.
var isHost = table(".-_:[]~%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

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

func trim(b []byte, start, end int) (int, int) {
	for start < end && (b[start] == ' ' || b[start] == '\t') {
		start++
	}
	for end > start && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	return start, end
}

// hasToken reports whether a comma-separated list holds the token.
func hasToken(list []byte, lower string) bool {
	for start := 0; start <= len(list); {
		end := start
		for end < len(list) && list[end] != ',' {
			end++
		}
		s, e := trim(list, start, end)
		if equalFold(list[s:e], lower) {
			return true
		}
		start = end + 1
	}
	return false
}

// lastToken returns the last element of a comma-separated list.
func lastToken(list []byte) []byte {
	start := len(list)
	for start > 0 && list[start-1] != ',' {
		start--
	}
	s, e := trim(list, start, len(list))
	return list[s:e]
}

// number reads up to 18 decimal digits.
func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
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

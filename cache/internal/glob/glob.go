package glob

// HasPrefix reports whether a name begins with the text.
func HasPrefix(text string, name []byte) bool {
	return len(name) >= len(text) && string(name[:len(text)]) == text
}

// Match reports whether a name is what the pattern says.
func Match(pattern string, name []byte) bool {
	p, n := 0, 0
	star, from := -1, 0 // the last * met, and where the rest behind it was tried
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0: // let the * take one byte more
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

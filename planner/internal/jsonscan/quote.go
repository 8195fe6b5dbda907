package jsonscan

// AppendQuoted appends text as a JSON string, with the fewest escapes. The three bytes that AppendUnescaped makes of a surrogate without its
// partner become the escape they came from.
func AppendQuoted[T ~string | ~[]byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0xED {
			continue
		}
		if c == 0xED && (i+2 >= len(text) || text[i+1] < 0xA0) {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case 0xED:
			high, low := text[i+1], text[i+2]
			dst = append(dst, '\\', 'u', 'd', hex[8|high>>2&7], hex[high&3<<2|low>>4&3], hex[low&15])
			i += 2
			start = i + 1
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, text[start:]...), '"')
}

package jsonscan

import "unsafe"

// blocks returns how many of n bytes, a multiple of 32, stand before the first that is a quote, a backslash or a control character; n when there is
// none. It is written with instructions that every amd64 processor has (SSE2).
//
//go:noescape
func blocks(p *byte, n int) int

// long is plain from i on, for as many whole blocks as there are; what it returns is special, or less than a block from the end.
func long(b []byte, i int) int {
	n := (len(b) - i) &^ 31
	if n == 0 {
		return i
	}
	return i + blocks(unsafe.SliceData(b[i:]), n)
}

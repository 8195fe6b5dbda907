//go:build !amd64

package jsonscan

import "encoding/binary"

// long is plain from i on by 32 bytes at a time; the next 32 bytes from what it returns are not all plain, or fewer are left.
func long(b []byte, i int) int {
	for ; len(b)-i >= 32; i += 32 {
		p := (*[32]byte)(b[i:])
		hit := special(binary.LittleEndian.Uint64(p[0:])) | special(binary.LittleEndian.Uint64(p[8:])) |
			special(binary.LittleEndian.Uint64(p[16:])) | special(binary.LittleEndian.Uint64(p[24:]))
		if hit&highs != 0 {
			break
		}
	}
	return i
}

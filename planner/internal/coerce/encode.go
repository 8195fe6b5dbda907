package coerce

import (
	"encoding/binary"
	"math"
)

// The canonical form, one tag byte and then:
//
//	null                     nothing
//	Int                      4 bytes, big endian two's complement
//	Float                    8 bytes, IEEE 754 bits big endian
//	Boolean                  1 byte, 0 or 1
//	String, ID, Enum, JSON   4 bytes length, text (JSON: canonical text of an opaque value)
//	list                     4 bytes length, 4 bytes count, elements
//	object                   4 bytes length, 4 bytes count, members: 4 bytes length, name, value
//
// Lengths are those of what follows the length's own field (and, for groups, the count's).
const (
	tagNull    = 'n'
	tagInt     = 'i'
	tagFloat   = 'f'
	tagBoolean = 'b'
	tagString  = 's'
	tagID      = 'd'
	tagEnum    = 'e'
	tagJSON    = 'j'
	tagList    = 'l'
	tagObject  = 'o'
)

func appendInt(dst []byte, n int32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, tagInt), uint32(n))
}

func appendFloat(dst []byte, x float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tagFloat), math.Float64bits(x))
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, tagBoolean, 1)
	}
	return append(dst, tagBoolean, 0)
}

func appendText(dst []byte, tag byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(append(dst, tag), uint32(len(s))), s...)
}

func appendName(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func openText(dst []byte, tag byte) ([]byte, int) {
	dst = append(dst, tag, 0, 0, 0, 0)
	return dst, len(dst)
}

func closeText(dst []byte, mark int) {
	binary.BigEndian.PutUint32(dst[mark-4:], uint32(len(dst)-mark))
}

func openGroup(dst []byte, tag byte) ([]byte, int) {
	dst = append(dst, tag, 0, 0, 0, 0, 0, 0, 0, 0)
	return dst, len(dst)
}

func closeGroup(dst []byte, mark, count int) {
	binary.BigEndian.PutUint32(dst[mark-8:], uint32(len(dst)-mark))
	binary.BigEndian.PutUint32(dst[mark-4:], uint32(count))
}

// sizeOf returns how many bytes the canonical value at the start of b takes; 0 when there is none.
func sizeOf(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	var n int
	switch b[0] {
	case tagNull:
		n = 1
	case tagInt:
		n = 5
	case tagFloat:
		n = 9
	case tagBoolean:
		n = 2
	case tagList, tagObject:
		if len(b) < 9 {
			return 0
		}
		n = 9 + int(binary.BigEndian.Uint32(b[1:]))
	default:
		if len(b) < 5 {
			return 0
		}
		n = 5 + int(binary.BigEndian.Uint32(b[1:]))
	}
	if n > len(b) {
		return 0
	}
	return n
}

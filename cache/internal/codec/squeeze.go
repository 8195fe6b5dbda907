package codec

import (
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Compressions by name.
const (
	None = "none"
	S2   = "s2"
	Zstd = "zstd"
)

// squeezer compresses data. It says itself how large data becomes at most, and never makes more of it than it was told.
type squeezer struct {
	flag byte // 0: none
	zip  *zstd.Encoder
	open *zstd.Decoder
}

// newSqueezer writes as the name says and reads every form.
func newSqueezer(name string, largest int) (q squeezer, err error) {
	switch name {
	case "", None:
	case S2:
		q.flag = flagS2
	case Zstd:
		q.flag = flagZstd
		q.zip, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		if err != nil {
			return q, err
		}
	default:
		return q, fmt.Errorf("compression is %q, want %s, %s or %s", name, None, S2, Zstd)
	}
	q.open, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(uint64(max(largest, 1<<20))),
		zstd.WithDecoderLowmem(true))
	return q, err
}

// squeeze appends the compressed data to dst, if that makes it smaller.
func (q *squeezer) squeeze(dst, data []byte) (out []byte, flag byte) {
	n := len(dst)
	switch q.flag {
	case flagS2:
		most := s2.MaxEncodedLen(len(data))
		if most < 0 {
			break
		}
		if cap(dst)-n < most {
			dst = append(make([]byte, 0, n+most+sumLen+tagSize), dst...)
		}
		out = dst[:n+len(s2.Encode(dst[n:n+most], data))]
	case flagZstd:
		out = q.zip.EncodeAll(data, dst)
	default:
		return append(dst, data...), 0
	}
	if out == nil || len(out)-n >= len(data) {
		return append(dst[:n], data...), 0
	}
	return out, q.flag
}

// stretch returns size bytes of what squeeze has made, in memory of their own.
func (q *squeezer) stretch(data []byte, flag byte, size int) ([]byte, error) {
	var out []byte
	var err error
	switch flag {
	case flagS2:
		if n, e := s2.DecodedLen(data); e != nil || n != size {
			return nil, Damaged
		}
		out, err = s2.Decode(make([]byte, size), data)
	case flagZstd:
		out, err = q.open.DecodeAll(data, make([]byte, 0, size))
	default:
		return nil, Foreign
	}
	if err != nil || len(out) != size {
		return nil, Damaged
	}
	return out, nil
}

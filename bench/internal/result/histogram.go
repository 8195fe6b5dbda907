package result

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	lowest, highest = 1, 120_000_000 // µs
	digits          = 3
	maxCount        = 1 << 50 // of a histogram that is read: sums of thousands of them stay exact
)

// Histogram counts microseconds from 1 µs to 2 minutes with three significant digits; the zero value is empty. It belongs to one goroutine. In JSON it is
// an object with a few percentiles for people and jq, and under "hdr" the base64 of HdrHistogram's compressed V2 encoding, which is all that is read back.
type Histogram struct{ h *hdrhistogram.Histogram }

// NewHistogram makes an empty one that records without allocating.
func NewHistogram() Histogram { return Histogram{hdrhistogram.New(lowest, highest, digits)} }

// Record counts one duration; what is outside the range counts at its end.
func (h *Histogram) Record(d time.Duration) {
	if h.h == nil {
		*h = NewHistogram()
	}
	_ = h.h.RecordValue(min(max(d.Microseconds(), lowest), highest)) // inside the range: recording cannot fail
}

// Merge adds o.
func (h *Histogram) Merge(o Histogram) {
	if o.h == nil {
		return
	}
	if h.h == nil {
		*h = NewHistogram()
	}
	h.h.Merge(o.h)
}

// Reset empties it.
func (h *Histogram) Reset() {
	if h.h != nil {
		h.h.Reset()
	}
}

// Count is how many were recorded.
func (h Histogram) Count() int64 {
	if h.h == nil {
		return 0
	}
	return h.h.TotalCount()
}

// At is the value at a percentile, 0..100, in µs; 0 when empty.
func (h Histogram) At(percentile float64) int64 {
	if h.h == nil {
		return 0
	}
	return h.h.ValueAtPercentile(percentile)
}

// Mean is in µs.
func (h Histogram) Mean() float64 {
	if h.h == nil {
		return 0
	}
	return h.h.Mean()
}

// Max is in µs.
func (h Histogram) Max() int64 {
	if h.h == nil {
		return 0
	}
	return h.h.Max()
}

// Clone is a copy that shares nothing.
func (h Histogram) Clone() Histogram {
	var c Histogram
	c.Merge(h)
	return c
}

// IsZero reports whether it is empty; encoding/json leaves such fields out.
func (h Histogram) IsZero() bool { return h.Count() == 0 }

// MarshalJSON encodes an empty histogram as null.
func (h Histogram) MarshalJSON() ([]byte, error) {
	if h.Count() == 0 {
		return []byte("null"), nil
	}
	encoded, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	return json.Marshal(encodedHistogram{h.Count(), h.Mean(), h.At(50), h.At(90), h.At(99), h.At(99.9), h.Max(), string(encoded)})
}

type encodedHistogram struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	P999  int64   `json:"p999"`
	Max   int64   `json:"max"`
	HDR   string  `json:"hdr"`
}

// histogramMark begins each histogram in JSON: the quote and the base64 of the encoding's cookie.
const histogramMark = `"HIST`

// UnmarshalJSON is the inverse of MarshalJSON. It takes only the range and precision that MarshalJSON writes, so that adding is exact and a few bytes cannot ask
// for much memory.
func (h *Histogram) UnmarshalJSON(raw []byte) error {
	h.h = nil
	if string(raw) == "null" {
		return nil
	}
	var packed struct {
		HDR json.RawMessage `json:"hdr"`
	}
	if err := json.Unmarshal(raw, &packed); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	if !bytes.HasPrefix(packed.HDR, []byte(histogramMark)) {
		return errors.New("histogram: is not in HdrHistogram's compressed V2 encoding")
	}
	text := packed.HDR[1 : len(packed.HDR)-1]
	if err := checkGeometry(text); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	decoded, err := hdrhistogram.Decode(text)
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	if decoded.TotalCount() > maxCount {
		return fmt.Errorf("histogram: counts %d values", decoded.TotalCount())
	}
	if decoded.TotalCount() > 0 {
		h.h = decoded
	}
	return nil
}

// checkGeometry reads the header of an encoded histogram: cookie, lengths, digits, lowest and highest value.
func checkGeometry(text []byte) error {
	r := base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text))
	if _, err := io.CopyN(io.Discard, r, 8); err != nil {
		return errors.New("is too short")
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return err
	}
	var header struct {
		Cookie, Bytes, Offset, Digits int32
		Lowest, Highest               int64
	}
	if err := binary.Read(z, binary.BigEndian, &header); err != nil {
		return errors.New("is too short")
	}
	if header.Digits != digits || header.Lowest != lowest || header.Highest != highest {
		return fmt.Errorf("holds %d..%d with %d digits, not %d..%d with %d", header.Lowest, header.Highest, header.Digits, lowest, highest, digits)
	}
	return nil
}

package result

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	lowest, highest = 1, 120_000_000 // µs
	digits          = 3
)

// Histogram counts microseconds from 1 µs to 2 minutes with three significant digits; the zero value is empty. It belongs to one goroutine. In JSON it is the
// base64 of HdrHistogram's compressed V2 encoding.
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
	return json.Marshal(string(encoded))
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (h *Histogram) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	h.h = nil
	if text == nil || *text == "" {
		return nil
	}
	decoded, err := hdrhistogram.Decode([]byte(*text))
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	h.Merge(Histogram{decoded})
	return nil
}

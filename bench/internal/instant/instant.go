package instant

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Unix times are told apart by their size: seconds until the year 5138, and so on.
const (
	maxSeconds = 1e11
	maxMillis  = 1e14
	maxMicros  = 1e17
)

// Parse reads RFC 3339, or Unix time as a number or a string of digits, from a JSON value.
func Parse(raw []byte) (time.Time, bool) {
	s := string(raw)
	if len(raw) > 0 && raw[0] == '"' {
		if json.Unmarshal(raw, &s) != nil {
			return time.Time{}, false
		}
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		switch {
		case n < maxSeconds:
			return time.Unix(n, 0), true
		case n < maxMillis:
			return time.UnixMilli(n), true
		case n < maxMicros:
			return time.UnixMicro(n), true
		}
		return time.Unix(0, n), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f <= 0 || f > math.MaxInt64 || math.IsNaN(f) {
		return time.Time{}, false
	}
	unit := 1.0 // ns
	switch {
	case f < maxSeconds:
		unit = 1e9
	case f < maxMillis:
		unit = 1e6
	case f < maxMicros:
		unit = 1e3
	}
	return time.Unix(0, int64(f*unit)), true
}

package drive

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// grouped prints a count or a rate with its thousands apart; rates below 10 keep two digits after the point.
func grouped(v float64) string {
	if math.Abs(v) < 10 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func count(n int64) string { return grouped(float64(n)) }

// significant prints three digits that count.
func significant(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || a == 0:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// micros prints microseconds in the unit a person reads best.
func micros(us float64) string {
	switch {
	case us >= 1e6:
		return significant(us/1e6) + " s"
	case us >= 1e3:
		return significant(us/1e3) + " ms"
	}
	return strconv.FormatFloat(us, 'f', 0, 64) + " µs"
}

func percent(share float64) string {
	if share > 0 && share < 0.001 || share < 1 && share > 0.999 {
		return strconv.FormatFloat(100*share, 'f', 3, 64) + " %"
	}
	return strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
}

func bytesText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return significant(v) + " " + units[i]
}

// clock prints minutes and seconds.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

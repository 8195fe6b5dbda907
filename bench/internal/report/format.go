package report

import (
	"math"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/bench/internal/result"
)

const none = "–"

// micros is a duration of so many microseconds.
func micros(us float64) string {
	switch {
	case math.IsNaN(us) || math.IsInf(us, 0):
		return none
	case us < 999.5:
		return significant(us) + " µs"
	case us < 999.5e3:
		return significant(us/1e3) + " ms"
	}
	return significant(us/1e6) + " s"
}

func latency(h result.Histogram, percentile float64) string {
	if h.Count() == 0 {
		return none
	}
	return micros(float64(h.At(percentile)))
}

func perSecond(x float64) string { return withSuffix(x, "/s") }

// withSuffix is a figure with its unit, or none alone.
func withSuffix(x float64, suffix string) string {
	if n := number(x); n != none {
		return n + suffix
	}
	return none
}

// number has three significant digits, or all before the point with separators.
func number(x float64) string {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return none
	case math.Abs(x) >= 1e15:
		return strconv.FormatFloat(x, 'g', 4, 64)
	case math.Abs(x) >= 999.5:
		return count(int64(math.Round(x)))
	}
	return significant(x)
}

// significant keeps three digits and shows no exponent for what a person measures.
func significant(x float64) string {
	a := math.Abs(x)
	switch {
	case a == 0:
		return "0"
	case a < 1e-4:
		return strconv.FormatFloat(x, 'e', 1, 64)
	case x == math.Trunc(x) && a < 1e6:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	digits := 2 - int(math.Floor(math.Log10(a)))
	if a >= 99.95 {
		digits = 0
	}
	return strconv.FormatFloat(x, 'f', max(digits, 0), 64)
}

// short is for axes: 10k, 2M.
func short(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return none
	}
	for _, u := range []struct {
		from float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if math.Abs(x) >= u.from {
			div := u.from
			if u.name == "k" {
				div = 1e3
			}
			return strconv.FormatFloat(x/div, 'g', 4, 64) + u.name
		}
	}
	if math.Abs(x) >= 1000 && x == math.Trunc(x) {
		return count(int64(x))
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign, digits := digits[:len(digits)-len(strings.TrimPrefix(digits, "-"))], strings.TrimPrefix(digits, "-")
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func percent(part, whole int64) string {
	if whole == 0 {
		return none
	}
	return share(float64(part) / float64(whole))
}

func share(x float64) string {
	switch p := 100 * x; {
	case math.IsNaN(p) || math.IsInf(p, 0):
		return none
	case p == 0 || p == 100:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	case p < 0.01:
		return "<0.01 %"
	case p > 99.99:
		return ">99.99 %"
	case p < 1 || p > 99:
		return strconv.FormatFloat(p, 'f', 2, 64) + " %"
	default:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
}

func size(n float64) string {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return none
	}
	for _, u := range []struct {
		from float64
		name string
	}{{1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}} {
		if n >= u.from {
			return significant(n/u.from) + u.name
		}
	}
	return significant(n) + " B"
}

// spread is a median with its interval.
func spread(v result.Interval) string {
	if v.N == 0 && v.Median == 0 || math.IsNaN(v.Median) {
		return none
	}
	if v.Low == v.High || v.N < 2 {
		return number(v.Median)
	}
	return number(v.Median) + " (" + number(v.Low) + " to " + number(v.High) + ")"
}

// quantity is a figure with its unit.
func quantity(x float64, unit string) string {
	switch unit {
	case "":
		return number(x)
	case "µs":
		return micros(x)
	case "%":
		return share(x / 100)
	case "/s", "1/s":
		return perSecond(x)
	case "ratio":
		return number(x)
	case "bytes", "B":
		return size(x)
	}
	return withSuffix(x, " "+unit)
}

// change is a ratio as a signed percentage.
func change(ratio float64) string {
	p := (ratio - 1) * 100
	switch {
	case math.IsNaN(p) || math.IsInf(p, 0):
		return none
	case math.Abs(p) < 0.05:
		return "±0 %"
	case p >= 900:
		return "× " + number(ratio)
	case math.Abs(p) < 10:
		return signed(strconv.FormatFloat(p, 'f', 1, 64)) + " %"
	}
	return signed(strconv.FormatFloat(p, 'f', 0, 64)) + " %"
}

func signed(s string) string {
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		return "−" + rest
	}
	return "+" + s
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

package draw

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Forms lists what ParseDuration and ParseBytes read, for help texts and errors.
const Forms = "constant:V, uniform:MIN..MAX, exponential:MEAN, lognormal:p50=V,p99=V, bimodal:V,V@SHARE"

// Distribution is a distribution of amounts: nanoseconds or bytes. The zero value is always 0.
type Distribution struct {
	text  string
	kind  string
	a, b  float64 // constant: a; uniform: a..b; exponential: mean a; lognormal: median a, sigma b; bimodal: a, or b with probability share
	share float64
}

// String is the distribution as it was written.
func (d Distribution) String() string { return d.text }

// Zero tells whether the distribution is never anything but 0.
func (d Distribution) Zero() bool { return d.kind == "" }

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// At is the amount of one ordinal.
func (d Distribution) At(stream, ordinal uint64) float64 { return d.Quantile(Uniform(stream, ordinal)) }

// Quantile is the amount below which a share q (0..1) of the distribution lies: the truth that a measurement is compared with.
func (d Distribution) Quantile(q float64) float64 {
	switch d.kind {
	case "constant":
		return d.a
	case "uniform":
		return d.a + q*(d.b-d.a)
	case "exponential":
		return -d.a * math.Log1p(-q)
	case "lognormal":
		return d.a * math.Exp(d.b*math.Sqrt2*math.Erfinv(2*q-1))
	case "bimodal":
		if q < 1-d.share {
			return d.a
		}
		return d.b
	}
	return 0
}

// ParseDuration reads a distribution of durations; its amounts are nanoseconds.
func ParseDuration(s string) (Distribution, error) {
	return parse(s, func(v string) (float64, error) {
		d, err := time.ParseDuration(v)
		if err != nil || d < 0 || d > time.Hour {
			return 0, fmt.Errorf("%q is no duration from 0 to 1h: write for instance 250us, 5ms or 1s", v)
		}
		return float64(d), nil
	})
}

// ParseBytes reads a distribution of sizes; its amounts are bytes.
func ParseBytes(s string) (Distribution, error) {
	return parse(s, func(v string) (float64, error) {
		n, err := Size(v)
		return float64(n), err
	})
}

// MaxSize bounds every size that may be asked for.
const MaxSize = 256 << 20

// Size reads a number of bytes: 1000, 16KiB, 10MiB, 10MB.
func Size(s string) (int, error) {
	digits, unit := s, 1
	for suffix, n := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "kB": 1e3, "MB": 1e6} {
		if before, ok := strings.CutSuffix(s, suffix); ok {
			digits, unit = before, n
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n > MaxSize/unit {
		return 0, fmt.Errorf("%q is no size from 0 to 256MiB: write for instance 1000, 16KiB or 10MB", s)
	}
	return n * unit, nil
}

var errForm = errors.New("write one of " + Forms)

func parse(s string, amount func(string) (float64, error)) (Distribution, error) {
	kind, rest, found := strings.Cut(s, ":")
	if !found { // a bare amount is constant
		kind, rest = "constant", s
	}
	d := Distribution{text: s, kind: kind}
	err := d.read(rest, amount)
	if err != nil {
		return Distribution{}, fmt.Errorf("distribution %q: %w", s, err)
	}
	return d, nil
}

func (d *Distribution) read(rest string, amount func(string) (float64, error)) (err error) {
	pair := func(first, second string) error {
		if d.a, err = amount(first); err != nil {
			return err
		}
		d.b, err = amount(second)
		return err
	}
	switch d.kind {
	case "constant", "exponential":
		d.a, err = amount(rest)
		return err
	case "uniform":
		low, high, ok := strings.Cut(rest, "..")
		if !ok {
			return errForm
		}
		if err := pair(low, high); err != nil {
			return err
		}
		if d.b < d.a {
			return fmt.Errorf("%s is more than %s: write the smaller first", low, high)
		}
		return nil
	case "lognormal":
		p50, p99, ok := strings.Cut(rest, ",")
		p50, has50 := strings.CutPrefix(p50, "p50=")
		p99, has99 := strings.CutPrefix(p99, "p99=")
		if !ok || !has50 || !has99 {
			return errForm
		}
		if err := pair(p50, p99); err != nil {
			return err
		}
		if d.a <= 0 || d.b < d.a {
			return fmt.Errorf("p50 %s and p99 %s: p50 is more than 0 and p99 not less than p50", p50, p99)
		}
		d.b = math.Log(d.b/d.a) / z99
		return nil
	case "bimodal":
		amounts, share, ok := strings.Cut(rest, "@")
		usual, rare, two := strings.Cut(amounts, ",")
		if !ok || !two {
			return errForm
		}
		if d.share, err = Share(share); err != nil {
			return err
		}
		return pair(usual, rare)
	}
	return errForm
}

// Share reads a share: 0.05 or 5%.
func Share(s string) (float64, error) {
	digits, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(digits, 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("%q is no share from 0 to 1: write for instance 0.05 or 5%%", s)
	}
	return f, nil
}

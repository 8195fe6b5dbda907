package demo

import (
	"fmt"
	"strconv"
	"strings"
)

// USD is money in pico-dollars. As JSON it is an exact decimal number of dollars.
type USD int64

const decimals = 12

// ParseUSD reads a decimal with up to 12 places.
func ParseUSD(s string) (USD, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(fraction) > decimals || whole == "" {
		return 0, fmt.Errorf("%q is no amount with up to %d decimals", s, decimals)
	}
	n, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", s, err)
	}
	if negative {
		return -USD(n), nil
	}
	return USD(n), nil
}

// String is dollars with 12 decimals.
func (u USD) String() string {
	sign := ""
	if u < 0 {
		sign, u = "-", -u
	}
	s := fmt.Sprintf("%013d", int64(u))
	return sign + s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}

// Short is dollars with 6 decimals, for people.
func (u USD) Short() string { return "$" + strconv.FormatFloat(float64(u)/1e12, 'f', 6, 64) }

// MarshalJSON writes a number.
func (u USD) MarshalJSON() ([]byte, error) { return []byte(u.String()), nil }

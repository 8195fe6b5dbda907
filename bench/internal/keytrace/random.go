package keytrace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/cache"
)

// random makes a trace whose keys are drawn by Zipf's law.
func random(name, text string, maxUses int) (*Trace, error) {
	v := map[string]float64{"keys": 100_000, "requests": 1_000_000, "bytes": 1000, "rate": 1000, "fetch_us": 5000, "scan": 0, "seed": 1}
	for i, part := range strings.Split(text, ",") {
		key, value, found := strings.Cut(part, "=")
		if i == 0 {
			key, value, found = "exponent", part, true
			v[key] = 0
		}
		n, err := strconv.ParseFloat(value, 64)
		if _, known := v[key]; !known || !found || err != nil {
			return nil, fmt.Errorf("%s: %q is not understood; write zipf:EXPONENT and then keys, requests, bytes, rate, fetch_us, scan or seed = a number", name, part)
		}
		v[key] = n
	}
	within := func(key string, low, high float64) error {
		if !(v[key] >= low && v[key] <= high) {
			return fmt.Errorf("%s: %s is %g; it is %g to %g", name, key, v[key], low, high)
		}
		return nil
	}
	for _, r := range []struct {
		key       string
		low, high float64
	}{
		{"exponent", 0, 10},
		{"keys", 1, 20e6},
		{"requests", 1, 100e6},
		{"bytes", 0, 1 << 30},
		{"rate", 0.001, 1e9},
		{"fetch_us", 0, maxMicros},
		{"scan", 0, 1},
		{"seed", 0, math.MaxInt32},
	} {
		if err := within(r.key, r.low, r.high); err != nil {
			return nil, err
		}
	}
	n := int(v["requests"])
	if maxUses > 0 {
		n = min(n, maxUses)
	}
	keys := int(v["keys"])
	t := &Trace{Name: name, Uses: make([]cache.Use, n)}
	draw := zipf(keys, v["exponent"])
	r := rand.New(rand.NewPCG(uint64(v["seed"]), 1))
	once := uint64(keys)
	step := float64(time.Second) / v["rate"]
	for i := range t.Uses {
		var key uint64
		if r.Float64() < v["scan"] {
			key = once
			once++
		} else {
			key = draw(r.Float64())
		}
		t.Uses[i] = cache.Use{At: int64(float64(i) * step), Key: key, Bytes: int64(v["bytes"]), FetchMicros: uint32(v["fetch_us"])}
	}
	t.Keys = int(once)
	return t, nil
}

// zipf returns the inverse of the cumulative distribution over n ranks.
func zipf(n int, exponent float64) func(u float64) uint64 {
	sums := make([]float64, n)
	total := 0.0
	for i := range sums {
		total += math.Pow(float64(i+1), -exponent)
		sums[i] = total
	}
	return func(u float64) uint64 { return uint64(min(sort.SearchFloat64s(sums, u*total), n-1)) }
}

package telemetry

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirproxy/weir/telemetry/event"
)

func TestBuiltinBookPricesEveryRequest(t *testing.T) {
	b := BuiltinPriceBook()
	if b.Cost(&event.Quantities{BytesIn: 100, BytesOut: 100}) <= 0 || b.Version == "" {
		t.Error("a request costs nothing")
	}
}

func quantitiesOf(t *rapid.T) event.Quantities {
	n := func(name string) int64 { return rapid.Int64Range(-5, 1<<40).Draw(t, name) }
	return event.Quantities{ProxyCPUUS: n("cpu"), UpstreamUS: n("up"), Fetches: n("f"), BytesIn: n("in"), BytesOut: n("out"), CacheOps: n("ops"), Points: n("p")}
}

func TestCostIsTheExactSumRoundedHalfToEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &PriceBook{}
		for i := range b.unit {
			b.unit[i] = rapid.Uint64Range(0, 1<<50).Draw(t, "unit")
		}
		q := quantitiesOf(t)
		sum := new(big.Int)
		for i, n := range amounts(&q) {
			if n > 0 {
				sum.Add(sum, new(big.Int).Mul(big.NewInt(n), new(big.Int).SetUint64(b.unit[i])))
			}
		}
		pico, rest := new(big.Int).QuoRem(sum, big.NewInt(1_000_000), new(big.Int))
		if c := rest.Cmp(big.NewInt(500_000)); c > 0 || c == 0 && pico.Bit(0) == 1 {
			pico.Add(pico, big.NewInt(1))
		}
		if pico.Cmp(big.NewInt(maxAmount)) > 0 {
			pico = big.NewInt(maxAmount)
		}
		if got := b.Cost(&q); got != pico.Int64() {
			t.Fatalf("cost %d, want %v", got, pico)
		}
	})
}

func TestCostGrowsWithEachQuantityAndDoublesWithThePrice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &PriceBook{}
		for i := range b.unit {
			b.unit[i] = 2_000_000 * rapid.Uint64Range(0, 1<<10).Draw(t, "unit")
		}
		q := quantitiesOf(t)
		twice := *b
		for i := range twice.unit {
			twice.unit[i] *= 2
		}
		if a, c := b.Cost(&q), twice.Cost(&q); c != min(2*a, maxAmount) {
			t.Fatalf("%d at double the price of %d", c, a)
		}
		more := q
		more.Fetches = max(0, more.Fetches) + 1
		if b.Cost(&more) < b.Cost(&q) {
			t.Fatal("one more fetch costs less")
		}
	})
}

func TestAmountIsAnExactDecimal(t *testing.T) {
	for pico, want := range map[int64]string{
		0: "0.000000000000", 1: "0.000000000001", -1: "-0.000000000001", picoPerUSD: "1.000000000000", 1234567890123: "1.234567890123",
		-1 << 63: "-9223372.036854775808",
	} {
		if got := string(AppendAmount(nil, pico)); got != want {
			t.Errorf("%d: %s, want %s", pico, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		pico := rapid.Int64().Draw(t, "pico")
		r, ok := new(big.Rat).SetString(string(AppendAmount(nil, pico)))
		if !ok || r.Mul(r, big.NewRat(picoPerUSD, 1)).Cmp(big.NewRat(pico, 1)) != 0 {
			t.Fatalf("%d does not come back", pico)
		}
	})
}

func TestBadBooksAreNamedWithTheirPlace(t *testing.T) {
	const head = "version: v\ncurrency: USD\nprices:\n"
	for text, want := range map[string]string{
		"version: v\ncurrency: USD\nprizes: {}\n":  "b.yaml:3:1: unknown field",
		"currency: USD\n":                          "b.yaml:1:1: version is missing",
		"version: v\ncurrency: EUR\n":              "currency is \"EUR\"",
		head + "  fetches: \"1\"\n  gold: \"1\"\n": "b.yaml:5:9: prices has \"gold\"",
		head + "  fetches: \"-1\"\n":               "b.yaml:4:12: the price of fetches is \"-1\": a price is not negative",
		head + "  fetches: \"x\"\n":                "write a decimal number",
		head + "  fetches: \"2\"\n":                "at most one dollar",
		head + "  fetches: \"1e-19\"\n":            "18 decimal places",
		"version: v\ncurrency: USD\n":              "prices is missing",
		"version: [\n":                             "b.yaml:",
		head + "  fetches: {}\n":                   "b.yaml:4",
	} {
		if _, err := ParsePriceBook("b.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParsePriceBook(f *testing.F) {
	f.Add(builtinBook)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ParsePriceBook("b", text)
		if err == nil && b.Cost(&event.Quantities{Fetches: 1 << 62, BytesIn: 1 << 62}) < 0 {
			t.Error("negative cost")
		}
	})
}

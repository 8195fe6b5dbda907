package telemetry

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/bits"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/weirproxy/weir/telemetry/event"
)

//go:embed pricebook.yaml
var builtinBook []byte

// PriceBook says what a unit of each quantity costs. It is immutable.
type PriceBook struct {
	Version  string
	Currency string
	unit     [quantities]uint64 // atto-USD
	members  string             // of it in an event
}

const quantities = 7

// quantityNames are the keys of a price book, in the order of amounts.
var quantityNames = [quantities]string{"proxy_cpu_us", "upstream_us", "fetches", "bytes_in", "bytes_out", "cache_ops", "points"}

func amounts(q *event.Quantities) [quantities]int64 {
	return [quantities]int64{q.ProxyCPUUS, q.UpstreamUS, q.Fetches, q.BytesIn, q.BytesOut, q.CacheOps, q.Points}
}

type bookFile struct {
	Version  string            `yaml:"version"`
	Currency string            `yaml:"currency"`
	Prices   map[string]string `yaml:"prices"`
}

// BuiltinPriceBook returns the book that is used when none is given. Its prices are those of a small cloud machine; see pricebook.yaml.
func BuiltinPriceBook() *PriceBook {
	b, err := ParsePriceBook("pricebook.yaml", builtinBook)
	if err != nil {
		panic(err) // the file is part of the program and tested
	}
	return b
}

// ParsePriceBook reads a book in YAML: version, currency (USD) and prices, dollars per unit by quantity. Prices are exact to 10^-18
// dollars. Errors name file, line and column.
func ParsePriceBook(name string, text []byte) (b *PriceBook, err error) {
	defer func() {
		if e := recover(); e != nil { // the YAML library on hostile input
			b, err = nil, fmt.Errorf("%s: the book cannot be read as YAML: %v", name, e)
		}
	}()
	var f bookFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			p := at.GetToken().Position
			return nil, fmt.Errorf("%s:%d:%d: %s", name, p.Line, p.Column, at.GetMessage())
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b = &PriceBook{Version: f.Version, Currency: f.Currency}
	b.members = bookMembers(b)
	if f.Version == "" {
		return nil, fmt.Errorf("%s:1:1: version is missing; events carry it, so that money can be derived again", name)
	}
	if f.Currency != "USD" {
		return nil, fmt.Errorf("%s:1:1: currency is %q; amounts are kept in USD", name, f.Currency)
	}
	if len(f.Prices) == 0 {
		return nil, fmt.Errorf("%s:1:1: prices is missing; without any all operations would cost nothing", name)
	}
	for _, key := range slices.Sorted(maps.Keys(f.Prices)) {
		price := f.Prices[key]
		i := -1
		for j, n := range quantityNames {
			if n == key {
				i = j
			}
		}
		line, column := position(text, key)
		if i < 0 {
			return nil, fmt.Errorf("%s:%d:%d: prices has %q; the quantities are %v", name, line, column, key, quantityNames)
		}
		unit, err := atto(price)
		if err != nil {
			return nil, fmt.Errorf("%s:%d:%d: the price of %s is %q: %w", name, line, column, key, price, err)
		}
		b.unit[i] = unit
	}
	return b, nil
}

// position finds the key of a price.
func position(text []byte, key string) (line, column int) {
	path, err := yaml.PathString("$.prices." + key)
	if err != nil {
		return 1, 1
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return 1, 1
	}
	node, err := path.FilterFile(file)
	if err != nil || node == nil {
		return 1, 1
	}
	p := node.GetToken().Position
	return p.Line, p.Column
}

// maxUnit bounds a price at a dollar per unit: beyond it a book is wrong, and amounts could overflow.
const maxUnit = 1_000_000_000_000_000_000

// atto reads a decimal number of dollars.
func atto(text string) (uint64, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, errors.New("write a decimal number of dollars, for instance 0.00000000001")
	}
	if r.Sign() < 0 {
		return 0, errors.New("a price is not negative")
	}
	r.Mul(r, new(big.Rat).SetInt64(maxUnit))
	if r.Cmp(new(big.Rat).SetInt64(maxUnit)) > 0 {
		return 0, errors.New("a price is at most one dollar per unit")
	}
	if !r.IsInt() {
		return 0, errors.New("a price is exact to 18 decimal places")
	}
	return r.Num().Uint64(), nil
}

// Cost prices quantities in pico-USD: the sum is exact, and rounded once, half to even. Negative quantities count as none; what would
// not fit is the largest amount.
func (b *PriceBook) Cost(q *event.Quantities) int64 {
	var hi, lo uint64
	for i, n := range amounts(q) {
		if n <= 0 || b.unit[i] == 0 {
			continue
		}
		h, l := bits.Mul64(uint64(n), b.unit[i])
		var carry uint64
		lo, carry = bits.Add64(lo, l, 0)
		hi += h + carry
	}
	const attoPerPico = 1_000_000
	if hi >= attoPerPico {
		return maxAmount
	}
	pico, rest := bits.Div64(hi, lo, attoPerPico)
	if rest > attoPerPico/2 || rest == attoPerPico/2 && pico&1 == 1 {
		pico++
	}
	return int64(min(pico, maxAmount))
}

// maxAmount is about 1,126 dollars for one operation: what is more is a mistake, and amounts must have room to be added up.
const maxAmount = 1 << 50

package workload

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// picker chooses one of n things: by weight, by Zipf's law, evenly, or one after the other. It is immutable; randomness and counters are the stream's.
type picker struct {
	how   pickHow
	n     uint64
	alias []alias
	zipf  zipf
}

type pickHow uint8

const (
	pickEvenly pickHow = iota
	pickInTurn
	pickAlias
	pickZipf
)

// random is the randomness of one stream.
type random struct{ rand.PCG }

// below returns a number from 0 up to, not including, n.
func (r *random) below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.Uint64(), n) // the bias is below n/2^64
	return hi
}

// unit returns a number from 0 up to, not including, 1.
func (r *random) unit() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// turnsApart is how far apart streams count, so that threads do not repeat each other's values.
const turnsApart = 10_000_000

// pick chooses; turn counts the choices of this picker in this stream.
func (p *picker) pick(r *random, turn *uint64) uint64 {
	switch p.how {
	case pickInTurn:
		*turn++
		return (*turn - 1) % p.n
	case pickAlias:
		i, part := bits.Mul64(r.Uint64(), p.n)
		if a := &p.alias[i]; part >= a.below {
			return uint64(a.other)
		}
		return i
	case pickZipf:
		return p.zipf.draw(r)
	}
	return r.below(p.n)
}

// alias is one column of Walker's table: the index itself with a probability of below/2^64, else the other one.
type alias struct {
	below uint64
	other uint32
}

// byWeight makes a picker that takes i with a probability of weights[i] over their sum, which must be above 0.
func byWeight(weights []float64) picker {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	n := len(weights)
	table := make([]alias, n)
	share := make([]float64, n) // of a column, 1 in the mean
	var small, large []int
	for i, w := range weights {
		share[i] = w / total * float64(n)
		table[i] = alias{math.MaxUint64, uint32(i)}
		if share[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		table[s] = alias{uint64(min(share[s]*(1<<63)*2, 1<<64-2048)), uint32(l)}
		if share[l] -= 1 - share[s]; share[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, s := range small { // what rounding left over; a thing without weight is never taken
		if weights[s] == 0 {
			table[s] = alias{0, uint32(heaviest(weights))}
		}
	}
	return picker{how: pickAlias, n: uint64(n), alias: table}
}

func heaviest(weights []float64) int {
	best := 0
	for i, w := range weights {
		if w > weights[best] {
			best = i
		}
	}
	return best
}

// aliasLimit is the number of ranks up to which a table is faster than computing.
const aliasLimit = 1 << 16

// byZipf makes a picker that takes rank i, from 0, with a probability in proportion to 1/(i+1)^s.
func byZipf(n uint64, s float64) picker {
	if n > aliasLimit {
		return picker{how: pickZipf, n: n, zipf: newZipf(n, s)}
	}
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -s)
	}
	return byWeight(weights)
}

// zipf draws ranks by rejection from the inverted integral of the density x^-s: a point under the integral is drawn, its rank taken when the point lies
// within the part of the rank's bar. It needs no table, however many ranks there are, and any exponent above 0.
type zipf struct {
	n, s             float64
	first, last, cut float64
}

func newZipf(n uint64, s float64) zipf {
	z := zipf{n: float64(n), s: s}
	z.first = z.integral(1.5) - 1
	z.last = z.integral(z.n + 0.5)
	z.cut = 2 - z.inverse(z.integral(2.5)-math.Pow(2, -s))
	return z
}

// integral of x^-s from 1 to x.
func (z *zipf) integral(x float64) float64 {
	if z.s == 1 {
		return math.Log(x)
	}
	return math.Expm1((1-z.s)*math.Log(x)) / (1 - z.s)
}

func (z *zipf) inverse(y float64) float64 {
	if z.s == 1 {
		return math.Exp(y)
	}
	return math.Exp(math.Log1p(max(-1, y*(1-z.s))) / (1 - z.s))
}

func (z *zipf) draw(r *random) uint64 {
	for {
		u := z.last + r.unit()*(z.first-z.last)
		x := z.inverse(u)
		k := min(max(1, math.Floor(x+0.5)), z.n)
		if k-x <= z.cut || u >= z.integral(k+0.5)-math.Pow(k, -z.s) {
			return uint64(k) - 1
		}
	}
}

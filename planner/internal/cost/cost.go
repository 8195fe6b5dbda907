package cost

import "math"

// DefaultListSize is the length assumed of a list about which neither the schema nor the operation says anything.
const DefaultListSize = 10

// Cost is what an operation costs, in points. Both numbers are finite and not negative.
type Cost struct {
	Type  float64 // weighted number of values the response may hold
	Field float64 // weighted number of resolver calls
}

// Points is the price as one whole number: the greater of the two costs, rounded up, at least 1; it stops at the greatest
// int64.
func (c Cost) Points() int64 {
	x := math.Ceil(max(c.Type, c.Field))
	switch {
	case !(x > 1):
		return 1
	case x >= math.MaxInt64:
		return math.MaxInt64
	}
	return int64(x)
}

package telemetry

import "strconv"

// picoPerUSD is how many of the unit of all amounts make a dollar.
const picoPerUSD = 1_000_000_000_000

// AppendAmount appends an amount of pico-USD as an exact decimal number of dollars with twelve places.
func AppendAmount(dst []byte, pico int64) []byte {
	u := uint64(pico)
	if pico < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = strconv.AppendUint(dst, u/picoPerUSD, 10)
	dst = append(dst, '.')
	frac := int64(u % picoPerUSD)
	return append6(append6(dst, frac/1_000_000), frac%1_000_000)
}

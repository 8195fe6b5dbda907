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
	frac := u % picoPerUSD
	for unit := uint64(picoPerUSD / 10); unit > 0; unit /= 10 {
		dst = append(dst, '0'+byte(frac/unit%10))
	}
	return dst
}

package generated

import (
	"fmt"
	"strconv"
	"strings"
)

// Options are the sizes of a generated world.
type Options struct {
	Seed     uint64
	Types    int // object types, T0 and up
	Fields   int // leaf fields of each, f0 and up
	Entities int // of each type, with the ids 1 and up
	ListSize int // of a list that is asked for without a size
}

// ParseOptions reads "types=8,fields=6,entities=1000,listSize=10"; what is left out is as shown. seed=… takes the place of the given seed.
func ParseOptions(s string, seed uint64) (Options, error) {
	o := Options{Seed: seed, Types: 8, Fields: 6, Entities: 1000, ListSize: 10}
	for item := range strings.SplitSeq(s, ",") {
		name, text, ok := strings.Cut(item, "=")
		n, err := strconv.ParseUint(text, 10, 63)
		limits := map[string]struct {
			into        *int
			least, most uint64
		}{
			"types": {&o.Types, 1, 200}, "fields": {&o.Fields, 1, 500}, "entities": {&o.Entities, 1, 1_000_000_000}, "listSize": {&o.ListSize, 0, maxList},
		}
		limit, known := limits[name]
		switch {
		case item == "" && s == "": // all as shown
		case name == "seed" && ok && err == nil:
			o.Seed = n
		case !known || !ok:
			return Options{}, fmt.Errorf("generate %q: %q is unknown: write for instance seed=7,types=8,fields=6,entities=1000,listSize=10", s, item)
		case err != nil || n < limit.least || n > limit.most:
			return Options{}, fmt.Errorf("generate %q: %s is %d to %d, not %q", s, name, limit.least, limit.most, text)
		default:
			*limit.into = int(n)
		}
	}
	return o, nil
}

package config

import (
	"maps"
	"slices"
	"time"
)

// maxAges compiles lifetimes of types and fields.
func maxAges(d *document, at string, ttls map[string]string) map[string]int {
	if len(ttls) == 0 {
		return nil
	}
	out := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(ttls)) {
		ttl := duration(d, memberPath(at, name), ttls[name], 0, 365*24*time.Hour)
		if ttl%time.Second != 0 {
			d.addf(memberPath(at, name), "%s has parts of a second; write whole seconds", ttl)
		}
		out[name] = int(ttl / time.Second)
	}
	return out
}

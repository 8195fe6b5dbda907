package roster

import (
	"strconv"
	"strings"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// maxInstance bounds the name that a member publishes.
const maxInstance = 128

// Instance returns the name as it is published: on one line and short.
func Instance(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if len(name) > maxInstance {
		name = strings.ToValidUTF8(name[:maxInstance], "")
	}
	return name
}

// Parse reads what a member has published: epoch, position, time, bound and instance with a blank between.
func Parse(id, text string) (m Member, ok bool) {
	parts := strings.SplitN(text, " ", 5)
	if len(parts) != 5 {
		return m, false
	}
	m = Member{ID: id, Instance: parts[4]}
	var err [3]error
	m.Epoch, err[0] = strconv.ParseUint(parts[0], 10, 64)
	m.Position, ok = entry.ParsePosition(parts[1])
	m.SeenMS, err[1] = strconv.ParseUint(parts[2], 10, 64)
	m.BoundMS, err[2] = strconv.ParseUint(parts[3], 10, 64)
	const century = 100 * 365 * 24 * 3600 * 1000 // a longer bound would overflow a sum
	return m, ok && err[0] == nil && err[1] == nil && err[2] == nil && m.BoundMS < century && m.SeenMS < 1<<60
}

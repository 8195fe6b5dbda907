package load

import "bytes"

// Cache is what a Cache-Status field says.
type Cache struct {
	Said  bool // there was one
	Hit   bool
	Stale bool // answered past its lifetime
	// Unlogged: the fleet's log did not have yet what the answer tells of: only the sidecar that gave it obeys for sure.
	Unlogged bool
}

var (
	hitParameter   = []byte("hit")
	hitTrue        = []byte("hit=?1")
	negativeTTL    = []byte("ttl=-")
	detailStale    = []byte("detail=stale")
	detailStaleStr = []byte(`detail="stale`)
	detailInvalid  = []byte("detail=invalidated")
	detailUnlogged = []byte("detail=not-logged")
)

// ParseCacheStatus reads the member of the cache nearest to the client, which is the last one (RFC 9211). It does not allocate.
func ParseCacheStatus(field []byte) Cache {
	c := Cache{Said: len(field) > 0}
	for rest, more := cut(field, ','); more; rest, more = cut(field, ',') {
		field = field[len(rest)+1:]
	}
	for more := true; more; {
		var p []byte
		if p, more = cut(field, ';'); more {
			field = field[len(p)+1:]
		}
		switch p = bytes.TrimSpace(p); {
		case bytes.Equal(p, hitParameter), bytes.Equal(p, hitTrue):
			c.Hit = true
		case bytes.HasPrefix(p, negativeTTL), bytes.Equal(p, detailStale), bytes.HasPrefix(p, detailStaleStr), bytes.Equal(p, detailInvalid):
			c.Stale = true
		case bytes.Equal(p, detailUnlogged):
			c.Unlogged = true
		}
	}
	c.Stale = c.Stale && c.Hit
	return c
}

// cut returns what stands before the first separator that is not within quotes (RFC 9651, section 3.3.3); more is false, and part is all of
// it, when there is none.
func cut(field []byte, separator byte) (part []byte, more bool) {
	quoted := false
	for i := 0; i < len(field); i++ {
		switch c := field[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			return field[:i], true
		}
	}
	return field, false
}

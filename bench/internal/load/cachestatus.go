package load

import "bytes"

// Cache is what a Cache-Status field says.
type Cache struct {
	Said  bool // there was one
	Hit   bool
	Stale bool // answered past its lifetime
}

var (
	hitParameter   = []byte("hit")
	hitTrue        = []byte("hit=?1")
	negativeTTL    = []byte("ttl=-")
	detailStale    = []byte("detail=stale")
	detailStaleStr = []byte(`detail="stale`)
)

// ParseCacheStatus reads the member of the cache nearest to the client, which is the last one (RFC 9211). It does not allocate.
func ParseCacheStatus(field []byte) Cache {
	c := Cache{Said: len(field) > 0}
	if i := bytes.LastIndexByte(field, ','); i >= 0 {
		field = field[i+1:]
	}
	for len(field) > 0 {
		p := field
		if i := bytes.IndexByte(field, ';'); i >= 0 {
			p, field = field[:i], field[i+1:]
		} else {
			field = nil
		}
		switch p = bytes.TrimSpace(p); {
		case bytes.Equal(p, hitParameter), bytes.Equal(p, hitTrue):
			c.Hit = true
		case bytes.HasPrefix(p, negativeTTL), bytes.Equal(p, detailStale), bytes.HasPrefix(p, detailStaleStr):
			c.Stale = true
		}
	}
	c.Stale = c.Stale && c.Hit
	return c
}

package tombstone

import "github.com/weirproxy/weir/cache/internal/entry"

// level is the latest invalidation of one name, of one prefix, or of everything.
type level struct {
	pos     entry.Position // latest known position
	seq     uint64         // local sequence of the latest application
	pending int32          // applications whose position is not known yet
	at      tick           // when it was last applied here
}

// covers reports whether a slot known to be valid up to checked, with position asOf, passes this level.
func (l *level) covers(checked uint64, asOf entry.Position) bool {
	return checked >= l.seq || l.pending == 0 && !asOf.Less(l.pos)
}

// raise adds an invalidation. A zero position adds nothing to the position.
func (l *level) raise(pos entry.Position, seq uint64, at tick) {
	l.pos = entry.Max(l.pos, pos)
	l.seq = max(l.seq, seq)
	l.at = max(l.at, at)
}

// resolve ends one pending application.
func (l *level) resolve(pos entry.Position) {
	l.pos = entry.Max(l.pos, pos)
	l.pending = max(0, l.pending-1)
}

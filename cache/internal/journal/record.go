package journal

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// Record is one invalidation of the log.
type Record struct {
	Position entry.Position // given by the log
	Author   string         // process that appended it
	Number   uint64         // of the author
	Names    tombstone.Names
}

// Page is a contiguous piece of the log.
type Page struct {
	Epoch   uint64         // generation of the log, not 0
	Head    entry.Position // last position of the log
	TimeMS  uint64         // the log's own time, unix ms
	Records []Record       // from the asked position on, inclusive
	Whole   bool           // nothing between the asked position and the records is missing

	Members int // readers of the log that the log knows; negative: not known
}

// Source is the fleet's log. Positions grow strictly within a generation. Sync and Await themselves give up when the log does not answer.
type Source interface {
	// Sync says that all up to the position was applied here, for those who wait, and returns up to limit records from the position on, inclusive. When the log turns out to be another one than its
	// generation says, or to end before from, Sync first appends a record that names everything, atomically. With a zero
	// position reading begins at the last record that is older than retention, or at the first.
	Sync(ctx context.Context, from entry.Position, limit int, retention time.Duration) (Page, error)
	// Append adds records in order and returns the positions of those added; fewer than asked come with an error.
	Append(ctx context.Context, rs []Record) ([]entry.Position, error)
	// Await returns when the log may hold something after the position, or after d.
	Await(ctx context.Context, after entry.Position, d time.Duration) error
}

// ErrUnavailable says that there is no connection to the log.
var ErrUnavailable = errors.New("journal: log not connected")

// AppendFields appends the record's wire form: name, value, name, value, …
func (r *Record) AppendFields(dst []string) []string {
	dst = append(dst, "o", r.Author, "n", strconv.FormatUint(r.Number, 10))
	if r.Names.Soft {
		dst = append(dst, "s", "1")
	}
	if r.Names.All {
		dst = append(dst, "a", "1")
	}
	for _, t := range r.Names.Tags {
		dst = append(dst, "t", t)
	}
	for _, p := range r.Names.Prefixes {
		dst = append(dst, "p", p)
	}
	for _, g := range r.Names.Patterns {
		dst = append(dst, "g", g)
	}
	return dst
}

// ParseFields reads a wire form. What it does not understand it takes to name everything.
func ParseFields(pos entry.Position, fields []string) Record {
	r := Record{Position: pos}
	if len(fields)%2 != 0 {
		r.Names = tombstone.Names{All: true}
		return r
	}
	for i := 0; i < len(fields); i += 2 {
		v := fields[i+1]
		switch fields[i] {
		case "o":
			r.Author = v
		case "n":
			r.Number, _ = strconv.ParseUint(v, 10, 64) // an unknown number is nobody's: the record is applied as another's
		case "s":
			r.Names.Soft = true
		case "a":
			r.Names.All = true
		case "t":
			r.Names.Tags = append(r.Names.Tags, v)
		case "p":
			r.Names.Prefixes = append(r.Names.Prefixes, v)
		case "g":
			r.Names.Patterns = append(r.Names.Patterns, v)
		default:
			return Record{Position: pos, Names: tombstone.Names{All: true}}
		}
	}
	return r
}

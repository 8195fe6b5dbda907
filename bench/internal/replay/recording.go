package replay

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
)

// Format of a recording.
type Format string

// Formats.
const (
	HAR    Format = "har"
	Log    Format = "log"    // one request a line
	Events Format = "events" // Weir's cost events, one a line
)

const (
	defaultBytes = 1 << 30
	maxText      = chunkSize - 1 // of one body
	maxLabels    = 1000          // operations told apart
	maxLine      = 64 << 20
)

// Options say how a recording is read.
type Options struct {
	Format Format // "": found out from the content
	// KeepCredentials keeps cookies, tokens and what looks like them among the headers.
	KeepCredentials bool
	Match           string   // only requests whose URL contains it; "": all
	Headers         []Header // sent with every request, instead of recorded ones of their names
	MaxRecords      int      // 0: no bound
	MaxBytes        int64    // of the requests in memory; 1 GiB when 0
	// Untimed takes requests without a time too, in their order. Needed where the plan is another than the recorded one.
	Untimed bool
	// Progress is called now and then while reading; nil: nobody.
	Progress func(records int)
}

// Skip is what was left out for one reason.
type Skip struct {
	Why   string
	Count int
	First string // FILE:LINE
}

// Recording is what was recorded, in the order of its times. It is immutable.
type Recording struct {
	Name   string
	Format Format
	Skips  []Skip

	labels     []load.Label
	entries    []entry     // of HAR and Log
	store      *store      // texts of the entries
	operations []Operation // of Events
	events     []occurrence
}

// entry is one request.
type entry struct {
	at                             int64 // ns since the first
	head, variables, tail, headers ref
	label                          uint32
	batch                          uint16 // operations of a batch; 0: no batch
	get                            bool
}

// Operation is one operation of cost events.
type Operation struct {
	Name, Hash, Kind string
	Count            int // events
}

// occurrence is one event.
type occurrence struct {
	at        int64 // ns since the first
	operation uint32
}

// Len is how many requests were recorded.
func (r *Recording) Len() int { return max(len(r.entries), len(r.events)) }

// Duration is from the first request to the last.
func (r *Recording) Duration() time.Duration {
	switch {
	case len(r.entries) > 0:
		return time.Duration(r.entries[len(r.entries)-1].at)
	case len(r.events) > 0:
		return time.Duration(r.events[len(r.events)-1].at)
	}
	return 0
}

// Labels are the operations of HAR and Log.
func (r *Recording) Labels() []load.Label { return r.labels }

// Operations are those of Events.
func (r *Recording) Operations() []Operation { return r.operations }

// times of the requests since the first.
func (r *Recording) times() []time.Duration {
	times := make([]time.Duration, 0, r.Len())
	for i := range r.entries {
		times = append(times, time.Duration(r.entries[i].at))
	}
	for i := range r.events {
		times = append(times, time.Duration(r.events[i].at))
	}
	return times
}

// reader makes a Recording.
type reader struct {
	Options
	*Recording
	skips   map[string]*Skip
	byLabel map[load.Label]uint32
	known   map[string]known // by document and operation name
	ops     map[Operation]uint32
	seen    Seen // events
	scratch []byte
	line    int
}

func newReader(name string, o Options) *reader {
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultBytes
	}
	return &reader{
		Options: o, Recording: &Recording{Name: name, Format: o.Format, store: newStore(o.MaxBytes)}, skips: map[string]*Skip{},
		byLabel: map[load.Label]uint32{}, known: map[string]known{}, ops: map[Operation]uint32{},
	}
}

// skip counts what is left out at the present line.
func (r *reader) skip(format string, args ...any) { r.skipMany(1, format, args...) }

func (r *reader) skipMany(n int, format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	if s := r.skips[why]; s != nil {
		s.Count += n
		return
	}
	if len(r.skips) >= 100 {
		if why = "other reasons"; r.skips[why] != nil {
			r.skips[why].Count += n
			return
		}
	}
	r.skips[why] = &Skip{why, n, fmt.Sprintf("%s:%d", r.Name, r.line)}
}

const progressStep = 1 << 14

// full reports whether the wanted number was read.
func (r *reader) full() bool {
	n := r.Len()
	if r.Progress != nil && n > 0 && n%progressStep == 0 {
		r.Progress(n)
	}
	return r.MaxRecords > 0 && n >= r.MaxRecords
}

// finish brings the requests into order and counts their times from the first.
func (r *reader) finish() (*Recording, error) {
	for _, s := range r.skips {
		r.Skips = append(r.Skips, *s)
	}
	slices.SortFunc(r.Skips, func(a, b Skip) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Why, b.Why)) })
	if r.Len() == 0 {
		what := ""
		for _, s := range r.Skips {
			what += fmt.Sprintf("\n  %d × %s, first %s", s.Count, s.Why, s.First)
		}
		return nil, fmt.Errorf("%s: nothing to replay was found in it (read as %s; --format reads it as something else)%s", r.Name, r.Recording.Format, what)
	}
	slices.SortStableFunc(r.entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	slices.SortStableFunc(r.events, func(a, b occurrence) int { return cmp.Compare(a.at, b.at) })
	for i := len(r.entries) - 1; i >= 0; i-- {
		r.entries[i].at -= r.entries[0].at
	}
	for i := len(r.events) - 1; i >= 0; i-- {
		r.events[i].at -= r.events[0].at
	}
	r.store.shared = nil // only reading needs it
	return r.Recording, nil
}

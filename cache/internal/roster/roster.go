package roster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// Forget is how long a member that says nothing is remembered at least.
const Forget = time.Minute

// Member is one process of the fleet as the log knows it.
type Member struct {
	ID       string // unique to the process
	Instance string // its name, for people; need not be unique
	Epoch    uint64 // generation it has entered; 0: it is entering one
	Position entry.Position
	SeenMS   uint64 // when it last published, by the log's clock
	BoundMS  uint64 // without contact for this long it trusts nothing it had; 0: not known
}

// View is the fleet at one moment.
type View struct {
	Epoch   uint64 // generation of the log; 0 while it is not settled: another server, or one that has lost its data
	Head    entry.Position
	NowMS   uint64 // by the log's clock
	Server  string // whose clock that is
	Members []Member
}

// Source is the log as the roster sees it.
type Source interface {
	// Fence puts an empty record into the log: a member that comes to it, or enters another generation of the log, publishes its place at once.
	Fence(ctx context.Context) (View, error)
	View(ctx context.Context) (View, error)
}

// Missing is a member of which it is not known that it obeys.
type Missing struct {
	Member
	Silent time.Duration // since its last word
	SafeIn time.Duration // until it trusts nothing of what it had, when it stays silent
}

// Outcome is the end of a wait.
type Outcome struct {
	Members int // in the fleet when it was last seen
	Reached int // obey because they have applied everything
	Expired int // obey because they were silent for so long that they trust nothing they had
	Missing []Missing
	Target  entry.Position // what had to be reached
	Epoch   uint64         // generation of the log at the end
	Changed bool           // the log has become another one meanwhile: whoever has entered it has given up all it had
	Took    time.Duration
	Err     error // why the fleet could not be seen; whoever is missing may have obeyed since
}

// All reports whether everybody obeys.
func (o *Outcome) All() bool { return o.Err == nil && len(o.Missing) == 0 }

const (
	firstPause   = 2 * time.Millisecond
	longestPause = 50 * time.Millisecond
)

var errUnsettled = errors.New("the log has become another one, and nobody has read it yet")

// Await waits until everybody obeys what is in the log now, or ctx ends.
func Await(ctx context.Context, s Source) (o Outcome) {
	began := time.Now()
	defer func() { o.Took = time.Since(began) }()
	pause := firstPause
	var target View
	for target.Epoch == 0 {
		target, o.Err = s.Fence(ctx)
		if o.Err == nil && target.Epoch == 0 {
			o.Err = errUnsettled
		}
		if target.Epoch == 0 && !rest(ctx, &pause) {
			return o
		}
	}
	o.Target, o.Epoch = target.Head, target.Epoch
	pause = firstPause
	var lost []Member // that a log without its data does not know any more
	for now := target; ; {
		o.judge(&target, &now)
		if o.All() || !rest(ctx, &pause) {
			return o
		}
		next, err := s.View(ctx)
		switch {
		case err == nil && next.Epoch != 0:
			if next.Server != target.Server { // by another clock a silence can be told only from here on
				target.Server, target.NowMS = next.Server, next.NowMS
			}
			if next.Epoch != now.Epoch {
				lost = now.Members
			}
			lost = unlisted(lost, next.Members, target.NowMS)
			next.Members = append(slices.Clip(next.Members), lost...)
			now, o.Err = next, nil
		case err == nil:
			o.Err = errUnsettled
		case ctx.Err() == nil:
			o.Err = err
		}
	}
}

// unlisted returns the members of a generation before that are not in the list of this one. They may be on their way to it, or cut off: until they are
// listed, or have been silent for their bound, nobody knows that they obey. What they said before may be told by another clock: they count as silent since
// the wait began.
func unlisted(before, listed []Member, began uint64) (lost []Member) {
	for _, m := range before {
		if slices.ContainsFunc(listed, func(l Member) bool { return l.ID == m.ID }) {
			continue
		}
		m.Epoch, m.Position, m.SeenMS = 0, entry.Position{}, began
		lost = append(lost, m)
	}
	return lost
}

// judge counts who obeys the target.
func (o *Outcome) judge(target, now *View) {
	o.Members, o.Reached, o.Expired, o.Missing = len(now.Members), 0, 0, nil
	o.Epoch = now.Epoch
	o.Changed = now.Epoch != target.Epoch
	for _, m := range now.Members {
		safe := max(m.SeenMS, target.NowMS) + m.BoundMS
		switch {
		case m.Epoch == now.Epoch && (o.Changed || !m.Position.Less(target.Head)):
			o.Reached++
		case m.BoundMS > 0 && now.NowMS >= safe:
			o.Expired++
		default:
			o.Missing = append(o.Missing, Missing{m, span(m.SeenMS, now.NowMS), span(now.NowMS, safe)})
		}
	}
	slices.SortFunc(o.Missing, func(a, b Missing) int {
		return strings.Compare(a.Instance+"\x00"+a.ID, b.Instance+"\x00"+b.ID)
	})
}

// span is the time between two moments of the log's clock.
func span(from, to uint64) time.Duration {
	if to < from {
		return 0
	}
	return time.Duration(to-from) * time.Millisecond
}

// rest pauses, each time longer, and reports whether there is time left.
func rest(ctx context.Context, pause *time.Duration) bool {
	t := time.NewTimer(*pause)
	defer t.Stop()
	*pause = min(2**pause, longestPause)
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

package cache

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/remote"
	"github.com/weirproxy/weir/cache/internal/roster"
)

// FleetMember is one process of the fleet.
type FleetMember struct {
	Instance string        // Config.Instance; need not be unique
	ID       string        // unique to the process
	Position Position      // last record of the log it obeys; zero while it enters the log's generation
	Entered  bool          // it has entered the log's generation
	Silent   time.Duration // since its last word
	Lag      time.Duration // from what it obeys to the log's end, by the times of their records; 0 when it obeys all
	SafeIn   time.Duration // when it stays silent it serves nothing after this that was filled before its last word
	Self     bool
}

// Fleet is who reads the log, as the log knows it.
type Fleet struct {
	Shared  bool // false: this process is alone
	Settled bool // false: the log has become another one and nobody has entered it yet
	Epoch   uint64
	Head    Position
	Members []FleetMember
}

// FleetReceipt says how far a fleet has come. Without Redis it is of this process alone, and all obey.
type FleetReceipt struct {
	Members, Reached, Expired int // known; obey because they have applied all; obey because they trust nothing they had
	Missing                   []FleetMember
	Target                    Position
	Changed                   bool // the log has become another one: whoever has entered it has given up all it had
	Took                      time.Duration
	Err                       error // why the fleet could not be seen at the end
}

// All reports whether all obey.
func (r *FleetReceipt) All() bool { return r.Err == nil && len(r.Missing) == 0 }

// AwaitFleet waits until every process of the fleet obeys what is in the log now, or ctx ends, or wait is over. Package roster says exactly
// what that is worth. A process without contact serves nothing that was filled before max(DisconnectedAfter, DisconnectedTTL) ago; one
// that was never in contact, or not for roster.Forget, is not known here, and obeys by that rule alone.
func (s *Store) AwaitFleet(ctx context.Context, wait time.Duration) FleetReceipt {
	if s.log == nil {
		return FleetReceipt{Members: 1, Reached: 1, Target: s.clock.State().Applied}
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	o := roster.Await(ctx, s.log)
	switch {
	case o.All():
		s.stats.fleetAll.Add(1)
	case o.Err != nil:
		s.stats.fleetUnseen.Add(1)
	default:
		s.stats.fleetMissing.Add(1)
	}
	r := FleetReceipt{
		Members: o.Members, Reached: o.Reached, Expired: o.Expired, Target: o.Target, Changed: o.Changed, Took: o.Took, Err: o.Err,
	}
	for i := range o.Missing {
		m := &o.Missing[i]
		r.Missing = append(r.Missing, FleetMember{
			Instance: m.Instance, ID: m.ID, Position: m.Position, Entered: m.Epoch == o.Epoch, Silent: m.Silent, Lag: lag(m.Position, o.Target),
			SafeIn: m.SafeIn, Self: m.ID == s.id,
		})
	}
	return r
}

// AwaitLogged waits until the log has everything that was invalidated here before the call, or ctx ends.
func (s *Store) AwaitLogged(ctx context.Context) error { return s.journal.AwaitLogged(ctx) }

// Fleet asks the log who reads it.
func (s *Store) Fleet(ctx context.Context) (Fleet, error) {
	st := s.clock.State()
	if s.log == nil {
		self := FleetMember{Instance: s.cfg.Instance, ID: s.id, Position: st.Applied, Entered: true, Self: true}
		return Fleet{Settled: true, Head: st.Applied, Members: []FleetMember{self}}, nil
	}
	v, err := s.log.View(ctx)
	if err != nil {
		return Fleet{Shared: true}, err
	}
	f := Fleet{Shared: true, Settled: v.Epoch != 0, Epoch: v.Epoch, Head: v.Head}
	for i := range v.Members {
		m := &v.Members[i]
		silent := time.Duration(v.NowMS-min(v.NowMS, m.SeenMS)) * time.Millisecond
		member := FleetMember{
			Instance: m.Instance, ID: m.ID, Position: m.Position, Entered: v.Epoch != 0 && m.Epoch == v.Epoch, Silent: silent,
			SafeIn: max(0, time.Duration(m.BoundMS)*time.Millisecond-silent), Self: m.ID == s.id,
		}
		if member.Entered {
			member.Lag = lag(m.Position, v.Head)
		}
		f.Members = append(f.Members, member)
	}
	slices.SortFunc(f.Members, func(a, b FleetMember) int {
		return strings.Compare(a.Instance+"\x00"+a.ID, b.Instance+"\x00"+b.ID)
	})
	return f, nil
}

func lag(at, head entry.Position) time.Duration {
	if !at.Less(head) || at.IsZero() {
		return 0
	}
	return time.Duration(head.MS-at.MS) * time.Millisecond
}

// member is what this process publishes of itself.
func (s *Store) member() remote.Member {
	return remote.Member{ID: s.id, Instance: s.cfg.Instance, Bound: max(s.cfg.DisconnectedAfter, s.cfg.DisconnectedTTL)}
}

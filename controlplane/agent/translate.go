package agent

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// localCommands turns commands into leases on this process's clock. from is the reading of the clock their times were taken from; only the distance to it
// counts, so clocks that differ do no harm. What cannot be obeyed comes back as refusals.
func localCommands(list []*weirv1.Command, from, now time.Time) (leases []Command, refused []*weirv1.Refusal) {
	for _, c := range list {
		if reason := refusal(c); reason != "" {
			refused = append(refused, &weirv1.Refusal{Id: c.GetId(), Reason: reason})
			continue
		}
		remains := min(c.GetExpires().AsTime().Sub(from), MaxLifetime)
		if remains <= 0 {
			continue
		}
		starts := max(0, c.GetNotBefore().AsTime().Sub(from))
		leases = append(leases, Command{
			ID: c.GetId(), Generation: c.GetGeneration(), Kind: c.GetKind(), Operation: c.GetOperation(), Params: c.GetParams(),
			NotBefore: now.Add(starts), Expires: now.Add(remains), Observe: c.GetObserve(), Reason: c.GetReason(),
		})
	}
	return leases, refused
}

// refusal says why a command cannot be obeyed, or nothing.
func refusal(c *weirv1.Command) string {
	switch {
	case c.GetId() == "":
		return "the command has no id"
	case !c.GetExpires().IsValid():
		return "the command has no end"
	case c.GetNotBefore() != nil && !c.GetNotBefore().IsValid():
		return "the command's beginning is not a time"
	case !api.KnownKind(c.GetKind()):
		return "this sidecar does not know the kind " + c.GetKind()
	}
	if err := api.CheckParams(c.GetKind(), c.GetParams()); err != nil {
		return err.Error()
	}
	return ""
}

// storedCommands is the form for disk, with times of the own clock.
func storedCommands(revision uint64, leases []Command) *weirv1.StoredCommands {
	out := &weirv1.StoredCommands{Revision: revision}
	for _, c := range leases {
		out.Commands = append(out.Commands, &weirv1.Command{
			Id: c.ID, Generation: c.Generation, Kind: c.Kind, Operation: c.Operation, Params: c.Params,
			NotBefore: timestamppb.New(c.NotBefore), Expires: timestamppb.New(c.Expires), Observe: c.Observe, Reason: c.Reason,
		})
	}
	return out
}

// restoredCommands are those from disk that still hold. One that would hold longer than any command may was written under another clock and is dropped.
func restoredCommands(s *weirv1.StoredCommands, now time.Time) []Command {
	list := slices.DeleteFunc(s.GetCommands(), func(c *weirv1.Command) bool { return c.GetExpires().AsTime().Sub(now) > MaxLifetime })
	leases, _ := localCommands(list, now, now)
	return leases
}

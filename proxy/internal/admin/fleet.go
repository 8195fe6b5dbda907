package admin

import (
	"context"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/cache"
)

// Fleet is what the listener knows of the other sidecars.
type Fleet interface {
	// Await waits until every sidecar of the fleet obeys what is in the log now, for so long.
	Await(ctx context.Context, wait time.Duration) cache.FleetReceipt
	Look(ctx context.Context) (cache.Fleet, error)
}

const (
	defaultDeadline  = 2 * time.Second
	shortestDeadline = 10 * time.Millisecond
	longestDeadline  = time.Minute
	lookTime         = time.Second
)

// fleetMember is one sidecar in an answer. Times are by the clock of the log's server.
type fleetMember struct {
	Instance string `json:"instance"`
	ID       string `json:"id"`
	Position string `json:"position,omitempty"` // last record of the log that it obeys; none while it enters the log
	LagMS    int64  `json:"lag_ms"`             // from there to the log's end
	SilentMS int64  `json:"last_seen_ms_ago"`
	SafeInMS *int64 `json:"safe_in_ms,omitempty"` // when it stays silent it trusts nothing it has after this
	Self     bool   `json:"self,omitempty"`
}

// fleetAnswer is the part of an invalidation's answer that tells about the fleet.
type fleetAnswer struct {
	Members  int           `json:"members"`
	Obey     int           `json:"obey"`              // have applied everything up to the position
	Expired  int           `json:"expired"`           // obey because they were silent for so long that they trust nothing they had
	Missing  []fleetMember `json:"missing"`           // not known to obey
	Position string        `json:"position"`          // what had to be reached
	Changed  bool          `json:"log_changed"`       // the log became another one: whoever has entered it gave up all it had
	WaitedMS float64       `json:"waited_ms"`         //
	Message  string        `json:"message,omitempty"` // why it is not known
}

// deadline reads ?deadline=.
func deadline(ctx *fasthttp.RequestCtx) (d time.Duration, problem string) {
	text := string(ctx.QueryArgs().Peek("deadline"))
	if text == "" {
		return defaultDeadline, ""
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < shortestDeadline || d > longestDeadline {
		return 0, "deadline is no duration from 10ms to 1m; write for instance deadline=2s."
	}
	return d, ""
}

// awaitFleet waits for the fleet and sets the answer's status: 200 when every sidecar obeys, 504 when that is not known at the deadline.
func (a *Server) awaitFleet(ctx *fasthttp.RequestCtx, end time.Time) *fleetAnswer {
	r := a.sources.Fleet.Await(ctx, max(shortestDeadline, time.Until(end)))
	out := &fleetAnswer{
		Members: r.Members, Obey: r.Reached, Expired: r.Expired, Missing: members(r.Missing, true), Position: r.Target.String(), Changed: r.Changed,
		WaitedMS: float64(r.Took.Microseconds()) / 1000,
	}
	switch {
	case r.Err != nil:
		out.Message = "The log has the invalidation, but the fleet could not be seen: " + r.Err.Error() + ". Ask again."
	case len(r.Missing) > 0:
		out.Message = "The log has the invalidation; whoever is missing obeys when it reads the log, and at the latest after its safe_in_ms."
	}
	if !r.All() {
		ctx.SetStatusCode(fasthttp.StatusGatewayTimeout)
		ctx.Response.Header.Set("Weir-Error", "cache.fleet_missing")
	}
	return out
}

func members(list []cache.FleetMember, safe bool) []fleetMember {
	out := make([]fleetMember, 0, len(list))
	for i := range list {
		m := &list[i]
		f := fleetMember{
			Instance: m.Instance, ID: m.ID, LagMS: m.Lag.Milliseconds(), SilentMS: m.Silent.Milliseconds(), Self: m.Self,
		}
		if m.Entered {
			f.Position = m.Position.String()
		}
		if safe {
			ms := m.SafeIn.Milliseconds()
			f.SafeInMS = &ms
		}
		out = append(out, f)
	}
	return out
}

// fleet shows who reads the log.
func (a *Server) fleet(ctx *fasthttp.RequestCtx) {
	if a.sources.Fleet == nil {
		fail(ctx, fasthttp.StatusConflict, "cache.off", "The cache is off, there is no fleet to look at.")
		return
	}
	call, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	f, err := a.sources.Fleet.Look(call)
	if err != nil {
		fail(ctx, fasthttp.StatusServiceUnavailable, "cache.fleet_unseen", "The fleet's log cannot be reached: "+err.Error()+".")
		return
	}
	writeJSON(ctx, struct {
		Shared  bool          `json:"shared"`
		Settled bool          `json:"settled"` // false: the log has become another one, and nobody has entered it yet
		Epoch   uint64        `json:"epoch,omitempty"`
		Head    string        `json:"head"`
		Members []fleetMember `json:"members"`
	}{f.Shared, f.Settled, f.Epoch, f.Head.String(), members(f.Members, false)})
}

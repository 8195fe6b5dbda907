package admin

import (
	"context"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/cache"
)

const (
	// logTime bounds the wait for the log; with ?wait=fleet the deadline does.
	logTime = time.Second
	// firstPause and longestPause bound how often an invalidation that the log does not have yet is asked for again: each time puts it
	// into the queue once more, and a queue that overflows makes every entry of the fleet invalid.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// receipt is its answer.
type receipt struct {
	Obeyed   bool   `json:"obeyed"`             // by this sidecar, always true
	Logged   bool   `json:"logged"`             // the fleet's log has it
	Shared   bool   `json:"shared"`             // there is a fleet's log
	Position string `json:"position,omitempty"` // in the log
	Time     string `json:"time,omitempty"`     // of the position
	Reached  *Reach `json:"reached,omitempty"`  // absent when there was no time to look
	Message  string `json:"message,omitempty"`

	Fleet *fleetAnswer `json:"fleet,omitempty"` // with ?wait=fleet
}

// Reach is what an invalidation made invalid, or with soft stale, among the entries of this sidecar: how many entries, and how many by each
// name that was obeyed.
type Reach struct {
	Entries  int64            `json:"entries"`
	Tags     map[string]int64 `json:"tags,omitempty"`
	Prefixes map[string]int64 `json:"prefixes,omitempty"`
	Patterns map[string]int64 `json:"patterns,omitempty"`
}

// invalidate answers 200 when this sidecar obeys and the log has the invalidation, so that every connected sidecar obeys when it reads the
// log, within 200 ms. With ?wait=fleet 200 says that every sidecar that the log knows obeys now; when that is not known at the deadline the
// answer is 504 and names who is missing. A sidecar that is not connected stops trusting its entries by itself. While the
// log cannot be reached the answer is 503, though this sidecar obeys already and the log will get it: only 2xx is a promise for the fleet.
func (a *Server) invalidate(ctx *fasthttp.RequestCtx) {
	if !ctx.IsPost() {
		ctx.Response.Header.Set("Allow", "POST")
		fail(ctx, fasthttp.StatusMethodNotAllowed, "admin.method", "Use POST.")
		return
	}
	if a.sources.Invalidate == nil {
		fail(ctx, fasthttp.StatusConflict, "cache.off", "The cache is off, there is nothing to invalidate.")
		return
	}
	wait, fleet := string(ctx.QueryArgs().Peek("wait")), false
	switch wait {
	case "":
	case "fleet":
		fleet = true
	default:
		fail(ctx, fasthttp.StatusBadRequest, "admin.bad_request", "wait is unknown; leave it out or write wait=fleet.")
		return
	}
	inv, problem := Parse(ctx.PostBody(), a.sources.Names)
	limit := logTime
	if problem == "" && fleet {
		limit, problem = deadline(ctx)
	}
	if problem != "" {
		fail(ctx, fasthttp.StatusBadRequest, "admin.bad_request", problem)
		return
	}
	end := time.Now().Add(limit)
	r, reach, err := a.logged(ctx, inv, limit)
	if err != nil {
		fail(ctx, fasthttp.StatusInternalServerError, "internal", err.Error())
		return
	}
	out := receipt{Obeyed: true, Logged: r.Logged, Shared: r.Shared, Reached: reach}
	if r.Logged {
		out.Position = r.Position.String()
		out.Time = time.UnixMilli(int64(r.Position.MS)).UTC().Format(time.RFC3339Nano)
	} else if r.Shared {
		out.Message = "This sidecar obeys; the log cannot be reached now and gets it when Redis is back. Ask again to be sure of the fleet."
	}
	if fleet && r.Logged {
		out.Fleet = a.awaitFleet(ctx, end)
	}
	writeJSON(ctx, out)
	if r.Shared && !r.Logged {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		ctx.Response.Header.Set("Weir-Error", "cache.not_logged")
		ctx.Response.Header.Set("Retry-After", "1")
	}
}

// logged invalidates here and waits until the log has it, for a bounded time.
func (a *Server) logged(ctx context.Context, inv cache.Invalidation, limit time.Duration) (r cache.Receipt, reach *Reach, err error) {
	end := time.NewTimer(limit)
	defer end.Stop()
	pause := firstPause
	for first := true; ; first = false {
		if first {
			r, reach, err = a.sources.Invalidate(ctx, inv)
		} else { // what it reaches is known
			r, _, err = a.sources.Invalidate(ctx, inv)
		}
		switch {
		case err != nil:
			return r, reach, err
		case r.Logged, !r.Shared:
			return r, reach, nil
		}
		again := time.NewTimer(pause)
		pause = min(2*pause, longestPause)
		select {
		case <-again.C:
		case <-end.C:
			again.Stop()
			return r, reach, nil
		case <-ctx.Done():
			again.Stop()
			return r, reach, nil
		}
	}
}

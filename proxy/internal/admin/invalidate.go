package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/cache"
)

const (
	// fleetTime is within how long every connected sidecar obeys an invalidation that is in the log.
	fleetTime = 200 * time.Millisecond
	// logTime bounds the wait for the log, with ?wait=fleet fleetLogTime.
	logTime      = time.Second
	fleetLogTime = 5 * time.Second
	// firstPause and longestPause bound how often an invalidation that the log does not have yet is asked for again: each time puts it
	// into the queue once more, and a queue that overflows makes every entry of the fleet invalid.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// request is the body of an invalidation.
type request struct {
	Tags     []string `json:"tags"`
	Types    []string `json:"types"`
	Prefixes []string `json:"prefixes"`
	Soft     bool     `json:"soft"`
}

// receipt is its answer.
type receipt struct {
	Obeyed   bool   `json:"obeyed"`             // by this sidecar, always true
	Logged   bool   `json:"logged"`             // the fleet's log has it
	Shared   bool   `json:"shared"`             // there is a fleet's log
	Position string `json:"position,omitempty"` // in the log
	Message  string `json:"message,omitempty"`
}

// invalidate answers 200 when this sidecar obeys and the log has the invalidation, so that every connected sidecar obeys within
// fleetTime; with ?wait=fleet it answers after that time. A sidecar that is not connected stops trusting its entries by itself. While the
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
	inv, problem := parse(ctx.PostBody())
	if problem != "" {
		fail(ctx, fasthttp.StatusBadRequest, "admin.bad_request", problem)
		return
	}
	r, err := a.logged(ctx, inv, fleet)
	if err != nil {
		fail(ctx, fasthttp.StatusInternalServerError, "internal", err.Error())
		return
	}
	out := receipt{Obeyed: true, Logged: r.Logged, Shared: r.Shared}
	if r.Logged {
		out.Position = r.Position.String()
	} else if r.Shared {
		out.Message = "This sidecar obeys; the log cannot be reached now and gets it when Redis is back. Ask again to be sure of the fleet."
	}
	writeJSON(ctx, out)
	if r.Shared && !r.Logged {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		ctx.Response.Header.Set("Weir-Error", "cache.not_logged")
		ctx.Response.Header.Set("Retry-After", "1")
	}
}

// logged invalidates here and waits until the log has it, for a bounded time; for the fleet also until the others have read it.
func (a *Server) logged(ctx context.Context, inv cache.Invalidation, fleet bool) (cache.Receipt, error) {
	limit := logTime
	if fleet {
		limit = fleetLogTime
	}
	end := time.NewTimer(limit)
	defer end.Stop()
	pause := firstPause
	for {
		r, err := a.sources.Invalidate(ctx, inv)
		switch {
		case err != nil:
			return r, err
		case r.Logged:
			if fleet && r.Shared {
				rest(ctx, fleetTime)
			}
			return r, nil
		case !r.Shared:
			return r, nil
		}
		again := time.NewTimer(pause)
		pause = min(2*pause, longestPause)
		select {
		case <-again.C:
		case <-end.C:
			again.Stop()
			return r, nil
		case <-ctx.Done():
			again.Stop()
			return r, nil
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

const (
	maxNames      = 10_000
	maxNameLength = 512
)

// parse reads an invalidation; problem says what is wrong with it.
func parse(body []byte) (inv cache.Invalidation, problem string) {
	var r request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return inv, "The body is no invalidation: " + err.Error() + `. Send {"tags":["City:5"],"types":["City"],"prefixes":["Query."],"soft":false}.`
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return inv, "The body has more than one JSON value."
	}
	inv = cache.Invalidation{Tags: append(r.Tags, r.Types...), Prefixes: r.Prefixes, Soft: r.Soft}
	switch n := len(inv.Tags) + len(inv.Prefixes); {
	case n == 0:
		return inv, "The body names nothing; give tags, types or prefixes."
	case n > maxNames:
		return inv, "The body has more than 10000 names; send several requests, or a prefix."
	}
	for _, list := range [][]string{inv.Tags, inv.Prefixes} {
		for _, name := range list {
			switch {
			case name == "":
				return inv, "A name is empty; name tags, types or prefixes that entries have, see /plans."
			case len(name) > maxNameLength:
				return inv, "A name is longer than 512 bytes; no tag is."
			}
		}
	}
	return inv, ""
}

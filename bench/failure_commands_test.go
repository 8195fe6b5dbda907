package bench

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/scrape"
	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/client"
)

// order is a command for an operation of its own, about a city of its own.
type order struct {
	kind   string
	params map[string]string
	warm   bool                    // cached before
	during func(p *play) error     // nil when the effect is there
	after  func(p *play) error     // nil when it is undone
	before func(p *play, w *world) // just before the command
}

// play is one order on a sidecar.
type play struct {
	*sidecar
	order
	city string
	asks int // of other cities than city, for keys that were never asked for
	ran  int64
}

func (p *play) ask(city string) (*load.Answer, error) {
	return p.post(p.kind, "query "+p.kind+"($id: ID!) { city(id: $id) { id name } }", `{"id":"`+city+`"}`)
}

// commandsUndoThemselves issues one command of each kind at once, sees the effect of each, and sees it gone after the lease.
func commandsUndoThemselves(w *world) {
	address := w.free()
	w.control(address)
	s := w.sidecar("a", "--control", "http://"+address, "--token", token)
	w.untilMetric(s, 1, "weir_control_connected")
	api, err := client.New(client.Config{URL: "http://" + address, Token: token})
	if err != nil {
		w.Fatal(err)
	}
	defer api.Close()
	var plays []*play
	for i, o := range orders() {
		p := &play{sidecar: s, order: o, city: w.cities[10+i]}
		if o.warm {
			w.until(o.kind+" is cached", p.status("hit"))
		}
		plays = append(plays, p)
	}
	for _, p := range plays {
		if p.before != nil {
			p.before(p, w)
		}
		p.ran = w.origin.Counts()["query.city"]
		w.issue(api, p)
	}
	for _, p := range plays {
		w.until("during "+p.kind, func() error { return p.during(p) })
	}
	w.untilMetric(s, float64(len(plays)), "weir_commands_active")
	w.untilMetric(s, 0, "weir_commands_active")
	for _, p := range plays {
		w.until("after "+p.kind, func() error { return p.after(p) })
	}
	w.untilMetric(s, float64(len(plays)), "weir_commands_applied_total")
}

const leaseTime = 6 * time.Second

func (w *world) issue(c *client.Client, p *play) {
	w.Helper()
	spec := api.CommandSpec{Kind: p.kind, Params: p.params, TTL: leaseTime.String(), Reason: "test"}
	if p.kind == api.KindInvalidate {
		spec.Params = map[string]string{"tags": "City:" + p.city}
	} else {
		spec.Operation = p.kind
	}
	if _, err := c.Command(w.Context(), spec); err != nil {
		w.Fatalf("%s: %v", p.kind, err)
	}
}

func orders() []order {
	return []order{
		{kind: api.KindDisableOperation, during: refused("lease.disabled"), after: answered(5)},
		{kind: api.KindRateLimit, params: map[string]string{"per_second": "0.2", "burst": "2"}, during: refused("lease.rate_limit"), after: answered(10)},
		{kind: api.KindBypassCache, warm: true, during: says("fwd=bypass"), after: says("; hit")},
		{kind: api.KindInvalidate, warm: true, during: obeyedOnce, after: says("; hit")},
		{kind: api.KindSetTTL, params: map[string]string{"ttl": "7s"}, during: lives(0, 7), after: lives(40, 60)},
		{kind: api.KindServeStale, warm: true, before: soften, during: staysStale, after: says("; hit; ttl=")},
	}
}

func (p *play) status(part string) func() error {
	return func() error { return says(part)(p) }
}

// says wants a part of Cache-Status.
func says(part string) func(*play) error {
	return func(p *play) error {
		a, err := p.ask(p.city)
		if err == nil && (!a.OK() || !strings.Contains(a.CacheStatus, part) || a.Cache().Stale) {
			err = fmt.Errorf("%d %q %s", a.Status, a.CacheStatus, a.WeirError)
		}
		return err
	}
}

func refused(code string) func(*play) error {
	return func(p *play) error {
		a, err := p.ask(p.city)
		if err == nil && a.WeirError != code {
			err = fmt.Errorf("%d %q", a.Status, a.WeirError)
		}
		return err
	}
}

func answered(n int) func(*play) error {
	return func(p *play) error {
		for range n {
			if a, err := p.ask(p.city); err != nil || !a.OK() {
				return fmt.Errorf("%+v, %w", a, err)
			}
		}
		return nil
	}
}

// obeyedOnce wants a fetch by the command, and hits from then on though the command still holds.
func obeyedOnce(p *play) error {
	if n := p.metric("weir_cache_invalidations_total"); n != 2 { // the soft one of serve_stale is the other
		return fmt.Errorf("%v invalidations", n)
	}
	a, err := p.ask(p.city)
	if err == nil && p.asks == 0 && a.Cache().Hit {
		return errors.New("a hit after the invalidation")
	}
	p.asks++
	if err == nil && p.asks > 1 && !a.Cache().Hit {
		return fmt.Errorf("ask %d: %q", p.asks, a.CacheStatus)
	}
	if err == nil && p.asks < 4 {
		err = errors.New("asked too few times")
	}
	return err
}

// lives wants a hit, on a city never asked for before, whose time to live is within bounds.
func lives(low, high int) func(*play) error {
	return func(p *play) error {
		p.asks++
		id := p.w.cities[50+p.asks]
		if _, err := p.ask(id); err != nil {
			return err
		}
		a, err := p.ask(id)
		if err != nil {
			return err
		}
		_, text, _ := strings.Cut(a.CacheStatus, "ttl=")
		text, _, _ = strings.Cut(text, ";")
		if ttl, err := strconv.Atoi(text); err != nil || ttl < low || ttl > high {
			return fmt.Errorf("%q", a.CacheStatus)
		}
		return nil
	}
}

// soften makes a cached city stale.
func soften(p *play, w *world) {
	w.Helper()
	if _, err := scrape.Post(w.Context(), p.adminURL("/cache/invalidate"), []byte(`{"tags":["City:`+p.city+`"],"soft":true}`)); err != nil {
		w.Fatal(err)
	}
}

// staysStale wants stale answers one after another without a refresh between them.
func staysStale(p *play) error {
	for range 5 {
		a, err := p.ask(p.city)
		if err != nil {
			return err
		}
		if !a.Cache().Hit {
			return fmt.Errorf("%q", a.CacheStatus)
		}
	}
	return nil
}

package bench

import (
	"fmt"
	"strings"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

const tenantsFile = `policy:
  cache: {hold_off: 0s}
  scope:
    header: {name: x-tenant, class: tenant, vouched_by: {secret_header: x-vouch, secret: 0123456789abcdef}}
`

// invalidatedByName invalidates by tenant, by interface and everything: by weir-control's command, and by the admin listener.
func invalidatedByName(w *world) {
	address := w.free()
	w.control(address)
	s := w.sidecar("a", "-c", w.write("weir.yaml", tenantsFile), "--control", "http://"+address, "--token", token)
	w.untilMetric(s, 1, "weir_control_connected")
	for _, way := range []struct {
		name string
		send func(params, body string)
	}{
		{"command", func(params, _ string) {
			w.call(address, "", append([]string{"command", "invalidate"}, strings.Fields(params)...)...)
		}},
		{"body", func(_, body string) {
			if _, err := scrape.Post(w.Context(), s.adminURL("/cache/invalidate"), []byte(body)); err != nil {
				w.Fatal(err)
			}
		}},
	} {
		for _, c := range []struct {
			params, body string
			left         string // tenants whose answers stay
		}{
			{"--param tenants=acme", `{"tenants":["acme"]}`, "other"},
			{"--param types=Place", `{"types":["Place"]}`, ""},
			{"--param all=true --param confirm=all", `{"all":true}`, ""},
		} {
			for _, tenant := range []string{"acme", "other"} {
				w.until(tenant+" has a hit", func() error { return s.cached(tenant, true) })
			}
			before := s.metric("weir_cache_invalidations_total")
			way.send(c.params, c.body)
			w.until(way.name+" is obeyed", func() error {
				if n := s.metric("weir_cache_invalidations_total"); n != before+1 {
					return fmt.Errorf("%v invalidations, %v before\n%s", n, before, s.Tail())
				}
				return nil
			})
			for _, tenant := range []string{"acme", "other"} {
				if err := s.cached(tenant, tenant == c.left); err != nil {
					w.Errorf("%s %s: %v", way.name, c.body, err)
				}
			}
		}
	}
}

// cached asks once and compares whether the answer came from the cache.
func (s *sidecar) cached(tenant string, want bool) error {
	c := load.NewConn(s.target())
	defer c.Close()
	c.Headers = "X-Vouch: 0123456789abcdef\r\nX-Tenant: " + tenant + "\r\n"
	a, err := c.Post(s.w.Context(), body("Population", populationQuery, `{"id":"`+s.w.cities[0]+`"}`), askTime)
	if err == nil && a.Cache().Hit != want {
		err = fmt.Errorf("%s: Cache-Status %q, want a hit: %v", tenant, a.CacheStatus, want)
	}
	return err
}

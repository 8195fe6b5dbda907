package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/weirproxy/weir/cache"
)

func TestErasureOfATenant(t *testing.T) {
	var asked string
	var answer cache.Erasure
	var fails error
	r := start(t, func(s *Sources) {
		s.Names.Tenant = func(id string) (string, bool) { return cache.TenantTag + "h(" + id + ")", id != "untold" }
		s.Erase = func(_ context.Context, tenant string) (cache.Erasure, error) {
			asked = tenant
			return answer, fails
		}
	})
	all := cache.FleetReceipt{Members: 3, Reached: 2, Expired: 1}
	missing := cache.FleetReceipt{Members: 3, Reached: 2, Missing: []cache.FleetMember{{Instance: "b"}}}
	for _, c := range []struct {
		body   string
		answer cache.Erasure
		fails  error
		status int
		want   string
	}{
		{`{"tenant":"acme"}`, cache.Erasure{Shared: true, Fleet: all, Scanned: 9, Erased: 4}, nil, 200, `"erased": 4`},
		{`{"tenant":"acme"}`, cache.Erasure{}, nil, 200, "There is no shared tier"},
		{`{"tenant":"acme"}`, cache.Erasure{Shared: true}, cache.ErrNotLogged, 503, "cache.not_logged"},
		{`{"tenant":"acme"}`, cache.Erasure{Shared: true, Scanned: 9, Erased: 4}, errors.New("broken"), 503, "4 values of 9 were erased before it failed: broken"},
		{`{"tenant":"acme"}`, cache.Erasure{Shared: true, Fleet: missing}, nil, 503, "of 3 sidecars only 2 are known to obey"},
		{`{"tenant":""}`, cache.Erasure{}, nil, 400, "The tenant is empty"},
		{`{"tenant":"untold"}`, cache.Erasure{}, nil, 400, "No scope rule tells tenants"},
		{`{"tenant":"a","all":true}`, cache.Erasure{}, nil, 400, "unknown field"},
		{`{"tenant":"a"}{}`, cache.Erasure{}, nil, 400, "more than one JSON value"},
		{`{"tenant":"` + strings.Repeat("x", 513) + `"}`, cache.Erasure{}, nil, 400, "longer than 512 bytes"},
	} {
		answer, fails = c.answer, c.fails
		status, body, _ := r.call(t, http.MethodPost, "/cache/erase", c.body)
		body = strings.ReplaceAll(strings.ReplaceAll(body, `":`, `": `), `":  `, `": `)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%.40s: %d %s, want %d and %s", c.body, status, body, c.status, c.want)
		}
	}
	if asked != "h(acme)" {
		t.Errorf("asked for %q: the raw tenant must not be used", asked)
	}
	if status, _, h := r.call(t, http.MethodGet, "/cache/erase", ""); status != http.StatusMethodNotAllowed || h.Get("Allow") != "POST" {
		t.Errorf("%d", status)
	}
}

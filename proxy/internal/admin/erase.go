package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/cache"
)

// eraseTime bounds an erasure: below the listener's time to write an answer.
const eraseTime = 50 * time.Second

// erased is the answer to an erasure that is complete.
type erased struct {
	Erased   uint64 `json:"erased"`             // values deleted from the shared tier
	Scanned  uint64 `json:"scanned"`            // values looked at
	Shared   bool   `json:"shared"`             // there is a shared tier
	Position string `json:"position,omitempty"` // of the invalidation in the log
	Members  int    `json:"members"`            // sidecars that gave up what they had
	Message  string `json:"message"`
}

// erase deletes all of one tenant from the shared tier. It answers 200 when every sidecar obeys and the whole of Redis was looked at.
func (a *Server) erase(ctx *fasthttp.RequestCtx) {
	if !ctx.IsPost() {
		ctx.Response.Header.Set("Allow", "POST")
		fail(ctx, fasthttp.StatusMethodNotAllowed, "admin.method", "Use POST.")
		return
	}
	if a.sources.Erase == nil {
		fail(ctx, fasthttp.StatusConflict, "cache.off", "The cache is off, there is nothing to erase.")
		return
	}
	id, problem := parseTenant(ctx.PostBody())
	if problem == "" {
		if tag, ok := a.sources.Names.Tenant(id); ok {
			id = strings.TrimPrefix(tag, cache.TenantTag)
		} else {
			problem = "No scope rule tells tenants, so no entry is of one; set tenant_claim or a rule of class tenant under policy.scope."
		}
	}
	if problem != "" {
		fail(ctx, fasthttp.StatusBadRequest, "admin.bad_request", problem)
		return
	}
	call, cancel := context.WithTimeout(ctx, eraseTime)
	defer cancel()
	e, err := a.sources.Erase(call, id)
	switch {
	case errors.Is(err, cache.ErrNotLogged):
		fail(ctx, fasthttp.StatusServiceUnavailable, "cache.not_logged", "The fleet's log cannot be reached. This sidecar serves nothing of the tenant; nothing was erased.")
	case err != nil:
		fail(ctx, fasthttp.StatusServiceUnavailable, "cache.not_erased",
			fmt.Sprintf("%d values of %d were erased before it failed: %v. Ask again.", e.Erased, e.Scanned, err))
	case e.Shared && !e.Fleet.All():
		fail(ctx, fasthttp.StatusServiceUnavailable, "cache.not_erased",
			fmt.Sprintf("%d values were erased, but of %d sidecars only %d are known to obey: one that does not yet may write more. Ask again.",
				e.Erased, e.Fleet.Members, e.Fleet.Reached+e.Fleet.Expired))
	default:
		out := erased{Erased: e.Erased, Scanned: e.Scanned, Shared: e.Shared, Members: max(1, e.Fleet.Members), Position: e.Receipt.Position.String()}
		out.Message = "Redis holds nothing of the tenant now; sidecars serve nothing of it that was fetched before."
		if !e.Shared {
			out.Message = "There is no shared tier; this sidecar serves nothing of the tenant that was fetched before."
		}
		writeJSON(ctx, out)
		return
	}
	if ctx.Response.StatusCode() == fasthttp.StatusServiceUnavailable {
		ctx.Response.Header.Set("Retry-After", "1")
	}
}

// parseTenant reads {"tenant":"…"}.
func parseTenant(body []byte) (id, problem string) {
	var r struct {
		Tenant string `json:"tenant"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return "", "The body names no tenant: " + err.Error() + `. Send {"tenant":"acme"}.`
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", "The body has more than one JSON value."
	}
	switch {
	case r.Tenant == "":
		return "", `The tenant is empty; send {"tenant":"acme"}.`
	case len(r.Tenant) > maxNameLength:
		return "", "The tenant is longer than 512 bytes; no claim that is taken is."
	}
	return r.Tenant, ""
}

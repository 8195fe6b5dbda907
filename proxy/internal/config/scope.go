package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// compileScope checks what needs no key file, and refuses what would hand the answers of one client to another.
func compileScope(d *document, at string, p *Policy, v *Values) {
	c := &p.Scope
	literal(d, at+"key", c.Key)
	if c.JWT != nil {
		checkToken(d, at+"jwt.", c.JWT)
	}
	for i := range c.Issuers {
		checkToken(d, fmt.Sprintf("%sissuers[%d].", at, i), &c.Issuers[i])
	}
	checkIssuers(d, at, c)
	headers(d, at+"ignore_headers", c.IgnoreHeaders)
	if c.Header != nil {
		checkHeader(d, at+"header.", c.Header)
	}
	v.Plans.Options.Shares = shares(d, at+"types", c.Types, c, true)
	v.Plans.Options.OperationShares = shares(d, at+"operations", c.Operations, c, false)
	everything := p.Cache.DefaultMaxAge != "0" && p.Cache.DefaultMaxAge != "0s" && p.Cache.DefaultMaxAge != ""
	if c.IgnoreCookies && everything && c.JWT == nil && len(c.Issuers) == 0 && c.Header == nil {
		d.addf(at+"ignore_cookies", "would share what nobody has called public among all sessions, for %s by policy.cache.default_max_age; set that to 0s, or tell users apart by scope.jwt or scope.header", p.Cache.DefaultMaxAge)
	}
	if !c.AuthorizedPublic {
		return
	}
	if c.JWT != nil || len(c.Issuers) > 0 {
		d.addf(at+"authorized_public", "is for services without a token rule; remove it, or jwt and issuers")
	}
	if !p.Cache.UpstreamHeaders {
		d.addf(at+"authorized_public", "needs the upstream's word for each answer; set policy.cache.upstream_headers: true or remove it")
	}
	if everything {
		d.addf(at+"authorized_public", "would share what nobody has called public, for %s by policy.cache.default_max_age; set that to 0s, or tell users apart by scope.jwt", p.Cache.DefaultMaxAge)
	}
}

// literal refuses a secret that looks like a reference: taken by the letter, everybody would know it.
func literal(d *document, path, text string) {
	if strings.HasPrefix(text, "${") {
		d.addf(path, "%s is not read from the environment here; give the value", text)
	}
}

func checkToken(d *document, at string, j *scope.JWT) {
	literal(d, at+"secret", j.Secret)
	oneOf(d, at+"class", j.Class, "user", "tenant", "roles")
	if j.Claim == "" {
		d.addf(at+"claim", "is missing; name the claim that tells the identity, for instance sub")
	}
	if len(j.Algorithms) == 0 {
		d.addf(at+"algorithms", "is missing; list what the issuer signs with, for instance [RS256]")
	}
	for _, claim := range []struct{ key, text string }{
		{"claim", j.Claim}, {"user_claim", j.UserClaim}, {"tenant_claim", j.TenantClaim}, {"roles_claim", j.RolesClaim},
	} {
		if err := scope.CheckPath(claim.text); claim.text != "" && err != nil {
			d.addf(at+claim.key, "%s", err)
		}
	}
}

func checkIssuers(d *document, at string, c *scope.Config) {
	if len(c.Issuers) == 0 {
		return
	}
	seen := map[string]string{}
	note := func(path, name string) {
		switch first, again := seen[name]; {
		case name == "":
			d.addf(path, "is missing; with several rules each needs the issuer whose tokens it is for")
		case again:
			d.addf(path, "%s has a rule already, at %s; give each rule an issuer of its own", name, first)
		}
		seen[name] = path
	}
	if c.JWT != nil {
		note(at+"jwt.issuer", c.JWT.Issuer)
	}
	for i := range c.Issuers {
		note(fmt.Sprintf("%sissuers[%d].issuer", at, i), c.Issuers[i].Issuer)
	}
}

func checkHeader(d *document, at string, h *scope.Header) {
	headers(d, at+"name", []string{h.Name})
	oneOf(d, at+"class", h.Class, "user", "tenant", "roles")
	v := h.VouchedBy
	if v == nil || len(v.Networks) == 0 && v.SecretHeader == "" {
		d.addf(at+"vouched_by", "is missing: any client could set %s and be given the answers of another %s; name the proxy that sets and verifies it by networks, or by secret_header and secret", h.Name, h.Class)
		return
	}
	literal(d, at+"vouched_by.secret", v.Secret)
	for i, text := range v.Networks {
		if p, err := netip.ParsePrefix(text); err == nil && p.Bits() == 0 {
			d.addf(fmt.Sprintf("%svouched_by.networks[%d]", at, i), "%s holds every client, so everybody would vouch for himself; name the addresses of the proxy", text)
		}
	}
	if v.SecretHeader != "" {
		headers(d, at+"vouched_by.secret_header", []string{v.SecretHeader})
	}
}

// shares compiles classes of types and fields, or of operations. A class that no rule tells would keep the answers out of the cache without a
// word.
func shares(d *document, at string, classes map[string]string, c *scope.Config, public bool) map[string]planner.Share {
	if len(classes) == 0 {
		return nil
	}
	known := c.Tells()
	out := map[string]planner.Share{}
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		path := memberPath(at, name)
		class, ok := scope.ParseClass(classes[name])
		switch {
		case !ok:
			d.addf(path, "%q is no class; write public, tenant, roles or user", classes[name])
		case class == scope.Public && !public:
			d.addf(path, "public would let a client share answers by the name it gives an operation; name the types of the answer in policy.scope.types")
		case !known[class]:
			d.addf(path, "no rule tells a request's %s, so these answers would never be kept; name the claim in policy.scope.jwt, or write another class", class)
		default:
			out[name] = planner.Share(class)
		}
	}
	return out
}

// memberPath is the path of a key that may hold dots.
func memberPath(at, name string) string {
	if strings.ContainsAny(name, ".'") {
		return at + ".'" + strings.ReplaceAll(name, "'", "") + "'"
	}
	return at + "." + name
}

// CheckSharing compares what policy says of types and fields with the schema: what is not there, and what the schema marks PRIVATE and policy
// would share. An error is Problems with their places. Without this check such a policy shares nothing all the same: the narrowest counts.
func (v *Values) CheckSharing(s *planner.Schema) error {
	d := &document{name: v.source.name, file: v.source.file}
	for _, p := range s.CheckShares(v.Plans.Options.Shares) {
		d.addf(memberPath("policy.scope.types", p.Name), "%s", p.Message)
	}
	for _, p := range s.CheckMaxAges(v.Plans.Options.MaxAges) {
		d.addf(memberPath("policy.cache.ttl", p.Name), "%s", p.Message)
	}
	return d.err()
}

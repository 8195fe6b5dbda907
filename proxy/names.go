package proxy

import (
	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/proxy/internal/admin"
	"github.com/weirproxy/weir/proxy/internal/line"
)

// names are what must be known of tags to read an invalidation.
func (p *policies) names() admin.Names {
	return admin.Names{Types: p.typeTags, Tenant: p.tenantTag, Shared: p.graphs != nil}
}

// typeTags returns the tags that entries with a type have; without a schema any name may be one.
func (p *policies) typeTags(name string) (tags []string, known bool) {
	schema := p.load().Plans.Schema()
	if schema == nil {
		return []string{name}, true
	}
	tags = schema.ObjectsOf(name)
	return tags, len(tags) > 0
}

// tenantTag returns the tag of a tenant's entries; false when no rule tells tenants.
func (p *policies) tenantTag(id string) (tag string, ok bool) {
	rules := p.load().Scope
	if !rules.TellsTenants() {
		return "", false
	}
	return line.TenantPrefix + rules.TenantID(id), true
}

// invalidationOf reads the parameters of the command, which the agent has checked. A command may be for many services: what this one's schema or
// rules do not know is not refused, it names nothing here.
func (p *policies) invalidationOf(params map[string]string) (inv cache.Invalidation, problem string) {
	list := func(name string) []string { return agent.SplitList(params[name]) }
	r := admin.Request{
		Tags: list("tags"), Types: list("types"), Prefixes: list("prefixes"), Patterns: list("patterns"),
		All: params["all"] == "true", Confirm: params["confirm"], Soft: params["soft"] == "true",
	}
	if p.load().Scope.TellsTenants() {
		r.Tenants = list("tenants")
	}
	n := p.names()
	if !n.Shared {
		r.Operations = list("operations")
	}
	n.Types = func(name string) ([]string, bool) {
		if tags, known := p.typeTags(name); known {
			return tags, true
		}
		return []string{name}, true
	}
	return r.Resolve(n)
}

package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/change"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// Values are a policy document in machine form: a policy.Policy without its plans, rules and leases, and what makes those.
type Values struct {
	Policy policy.Policy
	Scope  scope.Config
	Plans  planner.CacheConfig // without schema
	// Document is the policy as it was written, over the defaults.
	Document Policy
	// Supergraph is the SDL that came with a pushed document; empty: none.
	Supergraph string
	source     *document // to name the places of its values
}

// Static is the static part in machine form.
type Static struct {
	File          File
	Upstream      Upstream
	Introspection time.Duration // 0: never
	Usage         time.Duration // 0: never
	CacheMemory   int64
	CompressAbove int
	WarmUp        time.Duration // 0: not at all
	Drain         time.Duration
	MaxHead       int
	Memory        int64 // 0: the Go memory limit
	Changes       Changes
	Fetching      Fetching
}

// Changes are the topics that say what has changed. Group is empty when this process reads everything.
type Changes struct {
	Brokers []string
	Group   string
	Topics  []change.Topic
}

// Upstream is the address of the service behind.
type Upstream struct {
	Address string // HOST:PORT or unix:PATH
	TLS     bool
	Host    string // for TLS and introspection
	CA      string // PEM file; empty: the system's authorities
	Name    string // of its certificate; empty: the host of Address
}

// Env looks a name up in the environment.
type Env func(name string) (value string, set bool)

// Compile validates a file and returns both parts. src is where its values came from, nil for flags alone; env gives the secrets that are
// written ${NAME}.
func Compile(f File, src *Source, env Env) (*Static, *Values, error) {
	d := &document{}
	if src != nil {
		d = src.d
		d.problems = nil
	}
	s := compileStatic(d, &f, env)
	v := compilePolicy(d, "policy.", &f.Policy)
	v.Policy.Service = f.Identity.Service
	if f.Cache == "off" {
		v.Policy.Cache.Enabled = false
	}
	return s, v, d.err()
}

// CompilePolicy is Compile of the policy part alone.
func CompilePolicy(f File, src *Source) (*Values, error) {
	d := &document{}
	if src != nil {
		d = src.d
		d.problems = nil
	}
	v := compilePolicy(d, "policy.", &f.Policy)
	return v, d.err()
}

func compileStatic(d *document, f *File, env Env) *Static {
	s := &Static{File: *f}
	if len(f.Listen) == 0 {
		d.addf("listen", "is empty; give at least one address for clients")
	}
	for i, a := range f.Listen {
		checkAddress(d, fmt.Sprintf("listen[%d]", i), a)
	}
	if f.Admin != "" {
		checkAddress(d, "admin", f.Admin)
	}
	switch {
	case f.Supergraph.File == "":
		s.Upstream = compileUpstream(d, f.Upstream)
	case f.Upstream != "":
		d.addf("supergraph.file", "is for a sidecar without an upstream; remove upstream or supergraph")
	case f.Schema != "":
		d.addf("schema", "is part of the supergraph; remove it")
	}
	s.Upstream.CA, s.Upstream.Name = f.UpstreamCA, f.UpstreamName
	for _, l := range []struct{ path, text string }{{"upstream_ca", f.UpstreamCA}, {"upstream_server_name", f.UpstreamName}} {
		if l.text != "" && !s.Upstream.TLS {
			d.addf(l.path, "is for an https upstream only; write upstream: https://HOST:PORT or remove the key")
		}
	}
	checkListeners(d, f, s.Upstream)
	compileKafka(d, s, f, env)
	checkControl(d, f)
	oneOf(d, "cache", f.Cache, "on", "off")
	oneOf(d, "events", f.EventsMode, "structured", "binary")
	oneOf(d, "log.level", f.Log.Level, "debug", "info", "warn", "error")
	oneOf(d, "log.format", f.Log.Format, "json", "console")
	if f.Identity.Service == "" {
		d.addf("identity.service", "is empty; name the service that this sidecar stands beside")
	}
	s.Usage = interval(d, "usage_interval", f.Usage, time.Second, 24*time.Hour)
	s.Introspection = interval(d, "introspection_interval", f.Introspection, 10*time.Millisecond, 24*time.Hour)
	s.Drain = duration(d, "drain", f.Drain, 0, time.Hour)
	s.CacheMemory = size(d, "cache_memory", f.CacheMemory, 1<<20, 1<<40)
	s.WarmUp = duration(d, "cache_warm_up", f.CacheWarmUp, 0, time.Minute)
	oneOf(d, "cache_save", f.CacheSave, "on", "off")
	if f.CacheSave == "on" && (f.State == "" || len(f.Redis) == 0) {
		d.addf("cache_save", "needs state, a folder to save in, and redis: without the fleet's log nobody could tell what was invalidated meanwhile")
	}
	s.MaxHead = int(size(d, "limits.head", f.Limits.Head, 1<<10, 16<<20))
	if f.Limits.Memory != "" {
		s.Memory = size(d, "limits.memory", f.Limits.Memory, 16<<20, 1<<44)
	}
	between(d, "limits.connections", f.Limits.Connections, 1, 10_000_000)
	s.Changes.Brokers, s.Changes.Group, s.Changes.Topics = compileChanges(d, f)
	compileSupergraph(d, s, env)
	compileRedis(d, s, f, env)
	compileStored(d, s, f, env)
	s.File.Token = secret(d, env, "token", f.Token)
	return s
}

func checkControl(d *document, f *File) {
	if f.Control != "" {
		if u, err := url.Parse(f.Control); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			d.addf("control", "%q is no URL of a control plane; write http://HOST:PORT", f.Control)
		}
	}
	if key, err := base64.StdEncoding.DecodeString(f.PublicKey); f.PublicKey != "" && (err != nil || len(key) != ed25519.PublicKeySize) {
		d.addf("public_key", "is no Ed25519 public key; write its 32 bytes in base64")
	}
}

// checkListeners finds addresses that cannot both be had, and a sidecar in front of itself.
func checkListeners(d *document, f *File, u Upstream) {
	seen := map[string]bool{}
	for i, a := range f.Listen {
		switch {
		case a == u.Address:
			d.addf("upstream", "is the sidecar's own listener %s; name the service behind it", a)
		case seen[a] && !strings.HasSuffix(a, ":0"):
			d.addf(fmt.Sprintf("listen[%d]", i), "%q is given twice", a)
		}
		seen[a] = true
	}
	if seen[f.Admin] && !strings.HasSuffix(f.Admin, ":0") {
		d.addf("admin", "%q is a listener for clients too; give each an address of its own", f.Admin)
	}
}

func compileUpstream(d *document, text string) (u Upstream) {
	const want = "write http://HOST:PORT, https://HOST:PORT or unix:PATH"
	switch {
	case text == "":
		d.addf("upstream", "is missing; %s, for instance --upstream http://127.0.0.1:4001", want)
	case strings.HasPrefix(text, "unix:"):
		return Upstream{Address: text, Host: "localhost"}
	default:
		parsed, err := url.Parse(text)
		switch {
		case err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
			d.addf("upstream", "%q is no address of a service; %s", text, want)
		case parsed.Path != "" && parsed.Path != "/" || parsed.RawQuery != "" || parsed.User != nil:
			d.addf("upstream", "%q has more than an address; requests keep their own path: %s", text, want)
		default:
			u = Upstream{Address: parsed.Host, TLS: parsed.Scheme == "https", Host: parsed.Host}
			if parsed.Port() == "" {
				port := "80"
				if u.TLS {
					port = "443"
				}
				u.Address = net.JoinHostPort(parsed.Hostname(), port)
			}
		}
	}
	return u
}

func compilePolicy(d *document, at string, p *Policy) *Values {
	v := &Values{Scope: p.Scope, Document: *p, source: d}
	q := &v.Policy
	mode := func(path, text string) policy.Mode {
		m, ok := policy.ParseMode(text)
		if !ok {
			d.addf(at+path, "%q is no mode; write off, observe or enforce", text)
		}
		return m
	}
	limit := func(path string, l Limit) (int, policy.Mode) {
		between(d, at+path+".max", l.Max, 1, 100_000_000)
		return l.Max, mode(path+".mode", l.Mode)
	}
	if len(p.Paths) == 0 {
		d.addf(at+"paths", "is empty; name the path of the GraphQL endpoint, for instance /graphql")
	}
	for i, path := range p.Paths {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " ?#") {
			d.addf(fmt.Sprintf("%spaths[%d]", at, i), "%q is no path; write for instance /graphql", path)
		}
		q.Paths = append(q.Paths, []byte(path))
	}
	q.Strict, q.Draft2026, q.Expose, q.AnswerErrors = p.Strict, p.Draft2026, p.Expose, p.AnswerErrors
	q.MaxBody = int(size(d, at+"max_body", p.MaxBody, 1, 256<<20))
	q.InspectWait = duration(d, at+"inspect_wait", p.InspectWait, time.Millisecond, time.Minute)
	q.MaxBatch, q.BatchMode = limit("batch", p.Batch)
	q.Validation, q.Variables = mode("validation", p.Validation), mode("variables", p.Variables)
	q.Introspection, q.GetMutation = mode("introspection", p.Introspection), mode("get_mutation", p.GetMutation)
	q.ClientHeaders = headers(d, at+"client_headers", p.ClientHeaders)

	n, l := &v.Plans.Options.Limits, &p.Limits
	n.Tokens, q.Limits.Tokens = limit("limits.tokens", l.Tokens)
	n.Depth, q.Limits.Depth = limit("limits.depth", l.Depth)
	n.Aliases, q.Limits.Aliases = limit("limits.aliases", l.Aliases)
	n.RootFields, q.Limits.RootFields = limit("limits.root_fields", l.RootFields)
	n.Directives, q.Limits.Directives = limit("limits.directives", l.Directives)
	n.ExpandedFields, q.Limits.ExpandedFields = limit("limits.expanded_fields", l.ExpandedFields)
	between(d, at+"limits.variables_depth", l.VariablesDepth, 1, 500)
	n.VariablesDepth = l.VariablesDepth

	between(d, at+"unseen.per_second", p.Unseen.PerSecond, 1, 1_000_000)
	between(d, at+"unseen.burst", p.Unseen.Burst, 1, 1_000_000)
	between(d, at+"unseen.plans", p.Unseen.Plans, 16, 1_000_000)
	v.Plans.UnseenPerSecond, v.Plans.UnseenBurst, v.Plans.MaxPlans = p.Unseen.PerSecond, p.Unseen.Burst, p.Unseen.Plans
	v.Plans.Options.MaxErrors = maxErrors

	q.Breaker = compileBreaker(d, at+"breaker.", &p.Breaker)
	compileCache(d, at+"cache.", &p.Cache, v)
	compileScope(d, at+"scope.", p, v)
	q.Deadlines = policy.Deadlines{
		Head:    duration(d, at+"deadlines.head", p.Deadlines.Head, 0, time.Hour),
		Body:    duration(d, at+"deadlines.body", p.Deadlines.Body, 0, time.Hour),
		Idle:    duration(d, at+"deadlines.idle", p.Deadlines.Idle, 0, 24*time.Hour),
		Write:   duration(d, at+"deadlines.write", p.Deadlines.Write, 0, time.Hour),
		Connect: duration(d, at+"deadlines.connect", p.Deadlines.Connect, time.Millisecond, time.Minute),
	}
	return v
}

// maxErrors is how many errors of a document are told.
const maxErrors = 20

func compileCache(d *document, at string, p *CachePolicy, v *Values) {
	const day = 24 * time.Hour
	c := &v.Policy.Cache
	*c = policy.Cache{
		Enabled: p.Enabled, UpstreamHeaders: p.UpstreamHeaders, FleetLease: p.FleetLease,
		MaxTTL:               duration(d, at+"max_ttl", p.MaxTTL, time.Millisecond, 365*day),
		AuthenticatedMax:     duration(d, at+"authenticated_max", p.AuthenticatedMax, 0, day),
		StaleIfError:         duration(d, at+"stale_if_error", p.StaleIfError, 0, 30*day),
		StaleErrorCodes:      codesOf(d, at+"stale_error_codes", p.StaleErrorCodes),
		StaleAfter:           duration(d, at+"stale_after", p.StaleAfter, 0, time.Hour),
		StaleWhileRevalidate: duration(d, at+"stale_while_revalidate", p.StaleWhileRevalidate, 0, 30*day),
		NegativeTTL:          duration(d, at+"negative_ttl", p.NegativeTTL, 0, day),
		HoldOff:              duration(d, at+"hold_off", p.HoldOff, 0, time.Minute),
		HitForMiss:           duration(d, at+"hit_for_miss", p.HitForMiss, 0, day),
		Collapse:             duration(d, at+"collapse", p.Collapse, 0, time.Minute),
		MaxEntry:             int(size(d, at+"max_entry", p.MaxEntry, 1<<10, 256<<20)),
		Vary:                 headers(d, at+"vary", p.Vary),
		Tags: policy.Tags{
			Headers: headers(d, at+"tags.headers", p.Tags.Headers), Extensions: p.Tags.Extensions, Max: p.Tags.Max,
			Invalidation: p.Tags.Obey,
			MaxLength:    int(size(d, at+"tags.max_length", p.Tags.MaxLength, 16, 512)),
		},
		Outward:   compileOutward(d, at+"outward.", &p.Outward),
		ExposeKey: p.ExposeKey,
		Trace:     p.Trace,
	}
	between(d, at+"tags.max", p.Tags.Max, 1, 10_000)
	var ok bool
	if c.UnreadMutations, ok = policy.ParseUnread(p.UnreadMutations); !ok {
		d.addf(at+"unread_mutations", "%q is no policy; write count, types or everything", p.UnreadMutations)
	}
	c.Adaptive = compileAdaptive(d, at+"adaptive.", &p.Adaptive)
	c.InjectKeys, v.Plans.Options.InjectKeys = p.InjectKeys, p.InjectKeys
	v.Plans.Options.Mutations = compileMutations(d, at+"mutations.", &p.Mutations)
	for i, h := range c.Vary {
		if h == "authorization" || h == "cookie" {
			d.addf(fmt.Sprintf("%svary[%d]", at, i), "%s tells every client apart; say whose answer it is by policy.scope", h)
		}
	}
	if age := duration(&document{}, "", p.DefaultMaxAge, 0, 365*day); age%time.Second != 0 {
		d.addf(at+"default_max_age", "%s has parts of a second; write whole seconds", age)
	}
	v.Plans.Options.MaxAges = maxAges(d, strings.TrimSuffix(at, ".")+".ttl", p.TTL)
	v.Plans.Options.DefaultMaxAge = int(duration(d, at+"default_max_age", p.DefaultMaxAge, 0, 365*day) / time.Second)
}

func compileMutations(d *document, at string, p *Mutations) (m planner.Mutations) {
	read := func(path, text string) planner.MutationPolicy {
		for i, name := range []string{"list", "entity", "type"} {
			if text == name {
				return [...]planner.MutationPolicy{planner.MutationList, planner.MutationEntity, planner.MutationType}[i]
			}
		}
		d.addf(path, "%q is no policy; write entity, list or type", text)
		return planner.MutationList
	}
	m.Policy = read(at+"policy", p.Policy)
	m.Fields, m.Types = map[string]planner.MutationPolicy{}, map[string][]string{}
	for i, f := range p.Fields {
		here := fmt.Sprintf("%sfields[%d].", at, i)
		if _, twice := m.Fields[f.Name]; twice || f.Name == "" {
			d.addf(here+"name", "%q is missing or given twice; name each field of the mutation type once", f.Name)
		}
		m.Fields[f.Name] = m.Policy
		if f.Policy != "" {
			m.Fields[f.Name] = read(here+"policy", f.Policy)
		}
		if len(f.Types) > 0 || f.Only {
			m.Types[f.Name] = f.Types
		}
	}
	return m
}

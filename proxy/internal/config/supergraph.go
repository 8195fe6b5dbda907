package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// Supergraph says where the supergraph is and how its subgraphs are asked.
type Supergraph struct {
	File          string              `yaml:"file" json:"file,omitempty" jsonschema:"description=SDL file of a composed supergraph; operations are executed over its subgraphs\\, and there is no upstream"`
	Watch         string              `yaml:"watch" json:"watch,omitempty" jsonschema:"description=How often to look whether the file has changed; 0 for never"`
	Labels        List                `yaml:"labels" json:"labels,omitempty" jsonschema:"description=Labels of @override(label:) that are on: with its label the new subgraph resolves the field\\, without it the old one"`
	Timeout       string              `yaml:"timeout" json:"timeout,omitempty" jsonschema:"description=Of one fetch from a subgraph\\, waiting for a place and retries included"`
	Total         string              `yaml:"total_timeout" json:"total_timeout,omitempty" jsonschema:"description=Of all fetches of an operation; what is missing then is null\\, with an error"`
	Concurrency   int                 `yaml:"concurrency" json:"concurrency,omitempty" jsonschema:"description=Fetches from one subgraph at the same time; more wait"`
	MaxAnswer     string              `yaml:"max_answer" json:"max_answer,omitempty" jsonschema:"description=Size of a subgraph's answer; a larger one is an error"`
	MaskErrors    bool                `yaml:"mask_errors" json:"mask_errors,omitempty" jsonschema:"description=Do not tell clients what subgraphs say in errors\\, only where they are"`
	EntityMemo    bool                `yaml:"entity_memo" json:"entity_memo,omitempty" jsonschema:"description=Do not ask a subgraph again for fields of an entity that it has answered in the same request; nothing of it outlives the request"`
	Dedup         bool                `yaml:"dedup" json:"dedup,omitempty" jsonschema:"description=Fetches of queries that are the same\\, the headers that are passed on included\\, and under way at the same time are one request; never mutations"`
	Inbound       bool                `yaml:"dedup_inbound" json:"dedup_inbound,omitempty" jsonschema:"description=Queries of clients that are the same\\, variables and credentials and the headers that are passed on included\\, and under way at the same time are executed once; never mutations"`
	Defer         bool                `yaml:"defer" json:"defer,omitempty" jsonschema:"description=Fragments with @defer are answered later\\, to clients whose Accept names multipart/mixed or text/event-stream with deferSpec=20220824 or incrementalSpec=v0.2; others have them in the one answer"`
	Trace         string              `yaml:"trace" json:"trace,omitempty" jsonschema:"enum=forward,enum=create,enum=off,description=W3C trace context: forward the client's; create: and begin one\\, sampled\\, where there is none; off"`
	Headers       HeaderRules         `yaml:"headers" json:"headers,omitempty" jsonschema:"description=Of requests to all subgraphs"`
	Authorization Authorization       `yaml:"authorization" json:"authorization,omitempty" jsonschema:"description=What @authenticated and @requiresScopes and @policy of the supergraph do; tokens are verified by policy.scope"`
	Cache         EntityCache         `yaml:"cache" json:"cache,omitempty" jsonschema:"description=Entities and root fields that subgraphs answered\\, kept as their Cache-Control allows"`
	Retries       Retries             `yaml:"retries" json:"retries,omitempty" jsonschema:"description=Of queries whose connection failed or that were answered with 502\\, 503 or 504; never of mutations"`
	Hedging       Hedging             `yaml:"hedging" json:"hedging,omitempty" jsonschema:"description=A query whose answer has not begun is sent a second time beside the first within the budget of retries; never a mutation"`
	Budget        Budget              `yaml:"budget" json:"budget,omitempty" jsonschema:"description=Of what an operation may cost before it is executed\\, by the @cost and @listSize of the supergraph"`
	Subscriptions Subscriptions       `yaml:"subscriptions" json:"subscriptions,omitempty" jsonschema:"description=Of clients and to subgraphs"`
	WebSocket     WebSocket           `yaml:"websocket" json:"websocket,omitempty" jsonschema:"description=Of clients"`
	Subgraphs     map[string]Subgraph `yaml:"subgraphs" json:"subgraphs,omitempty" jsonschema:"description=What differs for one subgraph\\, by its name"`
}

// Subgraph is what differs for one subgraph.
type Subgraph struct {
	URL         string      `yaml:"url" json:"url,omitempty" jsonschema:"description=In place of the one in the supergraph: http:// or https://"`
	CA          string      `yaml:"ca" json:"ca,omitempty" jsonschema:"description=PEM file with the authorities that its certificate may be from; default: those of the system"`
	Timeout     string      `yaml:"timeout" json:"timeout,omitempty" jsonschema:"description=In place of supergraph.timeout"`
	Concurrency int         `yaml:"concurrency" json:"concurrency,omitempty" jsonschema:"description=In place of supergraph.concurrency"`
	Dedup       *bool       `yaml:"dedup" json:"dedup,omitempty" jsonschema:"description=In place of supergraph.dedup"`
	Hedging     Hedging     `yaml:"hedging" json:"hedging,omitempty" jsonschema:"description=What differs from supergraph.hedging"`
	Headers     HeaderRules `yaml:"headers" json:"headers,omitempty" jsonschema:"description=They go over those for all subgraphs"`
	Cache       EntityCache `yaml:"cache" json:"cache,omitempty" jsonschema:"description=What differs from supergraph.cache"`
	Owner       string      `yaml:"owner" json:"owner,omitempty" jsonschema:"description=Who answers for the subgraph; a label of its metrics"`
	Contract    string      `yaml:"contract" json:"contract,omitempty" jsonschema:"description=What its owner promises: a version or an address; a label of weir_subgraph_info"`
	Budget      int         `yaml:"budget" json:"budget,omitempty" jsonschema:"description=In place of supergraph.budget.subgraph; points"`
	Events      Events      `yaml:"subscriptions" json:"subscriptions,omitempty" jsonschema:"description=How the subgraph is subscribed to"`
	SLO         SLO         `yaml:"slo" json:"slo,omitempty" jsonschema:"description=What its owner promises of its answers; fetches that break it are counted"`
}

// Budget bounds what an operation may cost, in points.
type Budget struct {
	Mode      string `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=off,enum=observe,enum=enforce,description=observe counts what costs more; enforce refuses it\\, and no subgraph is asked"`
	Operation int    `yaml:"operation" json:"operation,omitempty" jsonschema:"description=Of the operation as a whole; 0 for none"`
	Subgraph  int    `yaml:"subgraph" json:"subgraph,omitempty" jsonschema:"description=Of all its fetches from one subgraph; 0 for none"`
}

// Authorization says what becomes of what a caller may not have, and how a verified token tells what he may.
type Authorization struct {
	Mode          string `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=filter,enum=reject,description=filter: what the caller may not have is null with an error and no subgraph is asked for it; reject: the whole request is refused"`
	ScopesClaim   string `yaml:"scopes_claim" json:"scopes_claim,omitempty" jsonschema:"description=Verified claim with the scopes for @requiresScopes: a list or words in one string"`
	PoliciesClaim string `yaml:"policies_claim" json:"policies_claim,omitempty" jsonschema:"description=Verified claim with the names for @policy; without one nobody has any"`
}

func (a *Authorization) compile(d *document) (out policy.Authorization) {
	switch a.Mode {
	case "filter", "reject":
		out.Reject = a.Mode == "reject"
	default:
		d.addf("supergraph.authorization.mode", "%q is not one of filter, reject", a.Mode)
	}
	claim := func(key, text string) scope.Claim {
		c, err := scope.ParseClaim(text)
		if err != nil {
			d.addf("supergraph.authorization."+key, "%v", err)
		}
		return c
	}
	out.Scopes, out.Policies = claim("scopes_claim", a.ScopesClaim), claim("policies_claim", a.PoliciesClaim)
	return out
}

// EntityCache is what is kept of subgraphs' answers. Empty values of a subgraph are those for all.
type EntityCache struct {
	Mode    string `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=on,enum=off,description=off: nothing is kept"`
	TTL     string `yaml:"ttl" json:"ttl,omitempty" jsonschema:"description=Of answers without Cache-Control; 0 for not kept"`
	MaxTTL  string `yaml:"max_ttl" json:"max_ttl,omitempty" jsonschema:"description=Bound of all; 0 for none"`
	Private *bool  `yaml:"private" json:"private,omitempty" jsonschema:"description=Keep what a subgraph calls private for the verified user who asked: the one whom policy.scope tells"`
	HoldOff string `yaml:"hold_off" json:"hold_off,omitempty" jsonschema:"description=For so long after an invalidation what it names is kept for no longer than this; the same for all subgraphs; 0 for never"`
}

// compile reads the settings; where they are empty, those for all hold.
func (c *EntityCache) compile(d *document, at string, all execute.Rule) execute.Rule {
	switch c.Mode {
	case "":
	case "on", "off":
		all.Off = c.Mode == "off"
	default:
		d.addf(at+".mode", "%q is not one of on, off", c.Mode)
	}
	if c.TTL != "" {
		all.TTL = duration(d, at+".ttl", c.TTL, 0, 24*time.Hour)
	}
	if c.MaxTTL != "" {
		all.Max = duration(d, at+".max_ttl", c.MaxTTL, 0, 24*time.Hour)
	}
	if c.Private != nil {
		all.Private = *c.Private
	}
	return all
}

// HeaderRules say which lines a request to a subgraph has, beside its own and trace context.
type HeaderRules struct {
	Propagate List               `yaml:"propagate" json:"propagate,omitempty" jsonschema:"description=Of the client's headers those that are passed on: names\\, name* for all that begin so\\, * for all"`
	Insert    map[string]string  `yaml:"insert" json:"insert,omitempty" jsonschema:"description=Headers to put in\\, in place of the client's; ${NAME} takes a value from the environment"`
	Claims    map[string]Claimed `yaml:"claims" json:"claims,omitempty" jsonschema:"description=Headers to put in with what a claim of the caller's token says\\, which policy.scope verifies; the client's of that name is never passed on"`
	Remove    List               `yaml:"remove" json:"remove,omitempty" jsonschema:"description=Headers not to pass on\\, although propagate names them"`
}

// Claimed says which claim a header has.
type Claimed struct {
	Claim   string `yaml:"claim" json:"claim" jsonschema:"description=Its path such as sub or realm_access.roles"`
	Default string `yaml:"default" json:"default,omitempty" jsonschema:"description=Where there is no such claim or no good token; empty for no header then"`
}

// Retries say how often a fetch is made again.
type Retries struct {
	Max     int     `yaml:"max" json:"max,omitempty" jsonschema:"description=Attempts beside the first; 0 for none"`
	Budget  float64 `yaml:"budget" json:"budget,omitempty" jsonschema:"description=Retries and hedges for each fetch over time: 0 to 1; they must not be the load that keeps a subgraph down"`
	Second  float64 `yaml:"per_second" json:"per_second,omitempty" jsonschema:"description=Retries and hedges each second beside these: for subgraphs that are asked seldom"`
	Backoff string  `yaml:"backoff" json:"backoff,omitempty" jsonschema:"description=Before the first retry\\, give or take a half; twice as long before each other"`
}

func defaultSupergraph() Supergraph {
	return Supergraph{
		Watch: "2s", Timeout: "10s", Total: "30s", Concurrency: 256, MaxAnswer: "8MiB", Dedup: true, Defer: true, Trace: "forward", Retries: Retries{Budget: 0.1, Backoff: "25ms"}, Hedging: Hedging{After: "off", Min: "2ms"},
		Cache:         EntityCache{Mode: "on", TTL: "0", MaxTTL: "0", Private: new(bool), HoldOff: "2s"},
		Authorization: Authorization{Mode: "filter", ScopesClaim: "scope"},
		Budget:        Budget{Mode: "observe"},
		Subscriptions: defaultSubscriptions(),
		WebSocket:     defaultWebSocket(),
	}
}

// Fetching is the supergraph's part in machine form.
type Fetching struct {
	Watch         time.Duration // 0: never
	Total         time.Duration
	All           SubgraphValues            // of a subgraph for which nothing differs
	Each          map[string]SubgraphValues // by name
	Trace         forward.Trace
	Headers       forward.Rules // of all; Each has those that go over them
	HoldOff       time.Duration
	Authorization policy.Authorization
	Budget        Budgeting
	Subscriptions Subscribing
	Sockets       policy.Sockets
}

// Budgeting is the supergraph's budget in machine form; SubgraphValues have the subgraphs' own.
type Budgeting struct {
	Mode      policy.Mode
	Operation int64 // points; 0: none
}

// SubgraphValues are how one subgraph is asked.
type SubgraphValues struct {
	URL     string // empty: the supergraph's
	CA      string
	Client  subgraph.Config // without address, authorities and breaker
	Cache   execute.Rule
	Headers forward.Rules
	Product Product
	Budget  int64 // points; 0: none
	Events  EventsValues
}

// maxBudget is beyond any sensible one, points.
const maxBudget = 1_000_000_000_000

func compileSupergraph(d *document, s *Static, env Env) {
	f := &s.File.Supergraph
	v := &s.Fetching
	v.Watch = interval(d, "supergraph.watch", f.Watch, 100*time.Millisecond, time.Hour)
	v.Total = duration(d, "supergraph.total_timeout", f.Total, time.Millisecond, time.Hour)
	var ok bool
	if v.Trace, ok = forward.ParseTrace(f.Trace); !ok {
		d.addf("supergraph.trace", "%q is not one of forward, create, off", f.Trace)
	}
	c := &v.All.Client
	c.Timeout = duration(d, "supergraph.timeout", f.Timeout, time.Millisecond, time.Hour)
	c.MaxCalls, c.Share = f.Concurrency, f.Dedup
	between(d, "supergraph.concurrency", f.Concurrency, 1, 100_000)
	c.MaxAnswer = int(size(d, "supergraph.max_answer", f.MaxAnswer, 1<<10, 1<<30))
	between(d, "supergraph.retries.max", f.Retries.Max, 0, 10)
	if f.Retries.Budget < 0 || f.Retries.Budget > 1 {
		d.addf("supergraph.retries.budget", "%v is out of range; it must be 0 to 1, for instance 0.1 for one retry in ten fetches", f.Retries.Budget)
	}
	if f.Retries.Second < 0 || f.Retries.Second > 1000 {
		d.addf("supergraph.retries.per_second", "%v is out of range; it must be 0 to 1000", f.Retries.Second)
	}
	c.Retries = subgraph.Retries{
		Max: f.Retries.Max, Budget: f.Retries.Budget, PerSecond: f.Retries.Second, Backoff: duration(d, "supergraph.retries.backoff", f.Retries.Backoff, 0, 10*time.Second),
	}
	c.Hedging = f.Hedging.compile(d, "supergraph.hedging", subgraph.Hedging{})
	v.Authorization = f.Authorization.compile(d)
	v.Headers = headerRules(d, "supergraph.headers", &f.Headers, env)
	v.HoldOff = duration(d, "supergraph.cache.hold_off", f.Cache.HoldOff, 0, time.Minute)
	v.All.Cache = f.Cache.compile(d, "supergraph.cache", execute.Rule{})
	if v.Budget.Mode, ok = policy.ParseMode(f.Budget.Mode); !ok {
		d.addf("supergraph.budget.mode", "%q is no mode; write off, observe or enforce", f.Budget.Mode)
	}
	between(d, "supergraph.budget.operation", f.Budget.Operation, 0, maxBudget)
	between(d, "supergraph.budget.subgraph", f.Budget.Subgraph, 0, maxBudget)
	v.Budget.Operation, v.All.Budget = int64(f.Budget.Operation), int64(f.Budget.Subgraph)
	v.Subscriptions = f.Subscriptions.compile(d)
	v.Sockets = f.WebSocket.compile(d)
	v.Each = make(map[string]SubgraphValues, len(f.Subgraphs))
	for name, sub := range f.Subgraphs {
		each := sub.compile(d, memberPath("supergraph.subgraphs", name), v, env)
		v.Sockets.Forward = v.Sockets.Forward || each.Events.Init
		v.Each[name] = each
	}
}

// compile makes a subgraph's values of its own settings and of those for all.
func (sub *Subgraph) compile(d *document, at string, v *Fetching, env Env) SubgraphValues {
	each := SubgraphValues{URL: sub.URL, CA: sub.CA, Client: v.All.Client, Headers: headerRules(d, at+".headers", &sub.Headers, env)}
	if u, err := url.Parse(sub.URL); sub.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		d.addf(at+".url", "%q is no address of a subgraph; write http://HOST:PORT/PATH or https://HOST:PORT/PATH", sub.URL)
	}
	if sub.Timeout != "" {
		each.Client.Timeout = duration(d, at+".timeout", sub.Timeout, time.Millisecond, time.Hour)
	}
	if sub.Concurrency != 0 {
		between(d, at+".concurrency", sub.Concurrency, 1, 100_000)
		each.Client.MaxCalls = sub.Concurrency
	}
	if sub.Dedup != nil {
		each.Client.Share = *sub.Dedup
	}
	each.Client.Hedging = sub.Hedging.compile(d, at+".hedging", v.All.Client.Hedging)
	each.Cache = sub.Cache.compile(d, at+".cache", v.All.Cache)
	if sub.Cache.HoldOff != "" {
		d.addf(at+".cache.hold_off", "it is the same for all subgraphs; write supergraph.cache.hold_off")
	}
	if each.Budget = v.All.Budget; sub.Budget != 0 {
		between(d, at+".budget", sub.Budget, 1, maxBudget)
		each.Budget = int64(sub.Budget)
	}
	each.Events = sub.Events.compile(d, at+".subscriptions")
	each.Product = sub.product(d, at)
	each.Client.Objective = each.Product.Latency
	return each
}

// headerRules compiles rules and takes the values of what is put in from the environment.
func headerRules(d *document, at string, r *HeaderRules, env Env) (rules forward.Rules) {
	list := func(path string, names []string) (out []string) {
		for i, n := range headerNames(names) {
			if n == "" || strings.ContainsAny(strings.TrimSuffix(n, "*"), "* :\t\r\n") {
				d.addf(fmt.Sprintf("%s[%d]", path, i), "%q is no header name; write a name, name* or *", names[i])
			} else if forward.Own(n) {
				d.addf(fmt.Sprintf("%s[%d]", path, i), "%s", ownCure(n))
			}
			out = append(out, n)
		}
		return out
	}
	rules.Propagate, rules.Remove = list(at+".propagate", r.Propagate), list(at+".remove", r.Remove)
	for _, name := range slices.Sorted(maps.Keys(r.Insert)) {
		path := memberPath(at+".insert", name)
		value := secret(d, env, path, r.Insert[name])
		rules.Insert = append(rules.Insert, forward.Line{Name: putIn(d, path, name, value), Value: value})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Claims)) {
		path, from := memberPath(at+".claims", name), r.Claims[name]
		c := forward.Claimed{Name: putIn(d, path, name, from.Default), Default: from.Default}
		var err error
		if c.Claim, err = scope.ParseClaim(from.Claim); err != nil {
			d.addf(path+".claim", "%v", err)
		} else if from.Claim == "" {
			d.addf(path, "claim is missing; name the claim that the header has, for instance sub")
		}
		if rules.Puts(c.Name) {
			d.addf(path, "%s is put in already; keep one", c.Name)
		}
		rules.Claims = append(rules.Claims, c)
	}
	return rules
}

// putIn checks a header that is put in, and returns its name in lower case.
func putIn(d *document, path, name, value string) string {
	n := strings.ToLower(strings.TrimSpace(name))
	switch {
	case n == "" || strings.ContainsAny(n, "* :\t\r\n"):
		d.addf(path, "%q is no header name", name)
	case forward.Own(n):
		d.addf(path, "%s", ownCure(n))
	case strings.ContainsAny(value, "\r\n\x00"):
		d.addf(path, "the value has line ends; a header has one line")
	}
	return n
}

func ownCure(name string) string {
	if name == "traceparent" || name == "tracestate" {
		return name + " goes by supergraph.trace; remove it here"
	}
	return name + " is the sidecar's own to write; remove it here"
}

func headerNames(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(strings.TrimSpace(n))
	}
	return out
}

// hideInserted hides what headers carry.
func (s *Supergraph) hideInserted() {
	s.Headers.hideInserted()
	s.Subgraphs = maps.Clone(s.Subgraphs)
	for name, sub := range s.Subgraphs {
		sub.Headers.hideInserted()
		s.Subgraphs[name] = sub
	}
}

func (r *HeaderRules) hideInserted() {
	r.Insert = maps.Clone(r.Insert)
	for name, value := range r.Insert {
		hide(&value)
		r.Insert[name] = value
	}
}

package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/cache"
)

// Request is what an invalidation names, as the body of POST /cache/invalidate and as the command of the control plane.
type Request struct {
	Tags       []string `json:"tags"`
	Types      []string `json:"types"`
	Prefixes   []string `json:"prefixes"`
	Patterns   []string `json:"patterns"`
	Operations []string `json:"operations"`
	Tenants    []string `json:"tenants"`
	All        bool     `json:"all"`
	Confirm    string   `json:"confirm"` // the word all, beside All; the body may leave it out
	Soft       bool     `json:"soft"`
}

// Names are what the listener must know of the tags to read an invalidation. Each may be nil.
type Names struct {
	// Types returns the tags of a type: its name, or of an interface or union those of its types; false for a name that is no type. A nil
	// function, or a nil list, says that the schema is not known.
	Types func(name string) (tags []string, known bool)
	// Tenant returns the tag of a tenant; false when no scope rule tells tenants.
	Tenant func(id string) (tag string, ok bool)
	// Shared says that entries are parts of answers, which operations share: none is known to be one's.
	Shared bool
}

const (
	maxNames      = 10_000
	maxNameLength = 512
	// maxWide bounds prefixes and patterns: every entry is compared with each of them.
	maxWide = 256
	// maxOperation is how long the name of an operation may be that has a tag; the entries of a longer one go by its hash.
	maxOperation = 200
	// reserved begins the tags that Weir itself gives to each entry: @op:NAME and @tenant:ID.
	reserved = "@"
)

// OperationTag is the tag of an operation's entries.
func OperationTag(name string) string { return reserved + "op:" + name }

// Parse reads the body of an invalidation; problem says what is wrong with it.
func Parse(body []byte, n Names) (inv cache.Invalidation, problem string) {
	var r Request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return inv, "The body is no invalidation: " + err.Error() + `. Send {"tags":["City:5"],"types":["City"],"prefixes":["Query."],"soft":false}; ` +
			"patterns, operations, tenants and all are the other keys."
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return inv, "The body has more than one JSON value."
	}
	return r.Resolve(n)
}

// Resolve returns what the names stand for; problem says what is wrong with them.
func (r *Request) Resolve(n Names) (inv cache.Invalidation, problem string) {
	inv = cache.Invalidation{Tags: r.Tags, Prefixes: r.Prefixes, Soft: r.Soft, All: r.All}
	named := len(r.Tags) + len(r.Types) + len(r.Prefixes) + len(r.Patterns) + len(r.Operations) + len(r.Tenants)
	switch {
	case r.Confirm != "" && (!r.All || r.Confirm != "all"):
		return inv, `confirm is for all alone; send {"all":true,"confirm":"all"}.`
	case r.All && named > 0:
		return inv, "The body names everything and parts of it; leave all out, or the names."
	case !r.All && named == 0:
		return inv, "The body names nothing; give tags, types, prefixes, patterns, operations or tenants, or all for everything."
	case named > maxNames:
		return inv, "The body has more than 10000 names; send several requests, or a prefix."
	case len(r.Prefixes)+len(r.Patterns) > maxWide:
		return inv, "The body has more than 256 prefixes and patterns; send several requests, or a shorter prefix."
	}
	for _, f := range []func(*Request, Names, *cache.Invalidation) string{checkTags, addTypes, addPatterns, addOperations, addTenants} {
		if problem = f(r, n, &inv); problem != "" {
			return inv, problem
		}
	}
	return inv, ""
}

// checkName refuses what no tag can be.
func checkName(name string) string {
	switch {
	case name == "":
		return "A name is empty; name what entries have, see /plans."
	case len(name) > maxNameLength:
		return "A name is longer than 512 bytes; no tag is."
	case strings.HasPrefix(name, reserved):
		return fmt.Sprintf("%q begins with @, as only tags of Weir itself do; use operations or tenants.", name)
	}
	return ""
}

func checkTags(r *Request, _ Names, _ *cache.Invalidation) string {
	for _, list := range [][]string{r.Tags, r.Prefixes} {
		for _, name := range list {
			if problem := checkName(name); problem != "" {
				return problem
			}
		}
	}
	return ""
}

func addTypes(r *Request, n Names, inv *cache.Invalidation) string {
	for _, name := range r.Types {
		if problem := checkName(name); problem != "" {
			return problem
		}
		if n.Types == nil {
			inv.Tags = append(inv.Tags, name)
			continue
		}
		tags, known := n.Types(name)
		if !known {
			return fmt.Sprintf("%q is no object type, interface or union of the schema; look at its spelling, or name it as a tag if it is one.", name)
		}
		inv.Tags = append(inv.Tags, tags...)
	}
	return ""
}

// addPatterns takes patterns that begin with text. One without a star is a tag.
func addPatterns(r *Request, _ Names, inv *cache.Invalidation) string {
	for _, p := range r.Patterns {
		switch star := strings.IndexByte(p, '*'); {
		case p != "" && strings.Trim(p, "*") == "":
			return fmt.Sprintf(`The pattern %q matches everything; send {"all":true} if that is meant.`, p)
		case star == 0:
			return fmt.Sprintf("The pattern %q begins with *; begin with text, for instance City:* or Query.*(*).", p)
		case checkName(p) != "":
			return checkName(p)
		case star < 0:
			inv.Tags = append(inv.Tags, p)
		default:
			inv.Patterns = append(inv.Patterns, p)
		}
	}
	return ""
}

func addOperations(r *Request, n Names, inv *cache.Invalidation) string {
	if n.Shared && len(r.Operations) > 0 {
		return "In supergraph mode operations share what is kept of subgraphs' answers, so no entry is known to be one's; use types or tags, which weir plan shows."
	}
	for _, name := range r.Operations {
		switch {
		case name == "":
			return "The name of an operation is empty; an anonymous one goes by its hash, see /plans."
		case len(name) > maxOperation:
			return "The name of an operation is longer than 200 bytes; its entries go by its hash, see /plans."
		}
		inv.Tags = append(inv.Tags, OperationTag(name))
	}
	return ""
}

func addTenants(r *Request, n Names, inv *cache.Invalidation) string {
	for _, id := range r.Tenants {
		if id == "" || len(id) > maxNameLength {
			return "A tenant is empty or longer than 512 bytes."
		}
		tag, ok := "", false
		if n.Tenant != nil {
			tag, ok = n.Tenant(id)
		}
		if !ok {
			return "No rule of policy.scope tells tenants, so no entry is known to be one's; use another name, or all."
		}
		inv.Tags = append(inv.Tags, tag)
	}
	return ""
}

// tags shows the tags that are on most entries of this sidecar.
func (a *Server) tags(ctx *fasthttp.RequestCtx) {
	if a.sources.Tags == nil {
		fail(ctx, fasthttp.StatusConflict, "cache.off", "The cache is off, there are no tags.")
		return
	}
	top := ctx.QueryArgs().GetUintOrZero("top")
	if top == 0 {
		top = 50
	}
	uses, more := a.sources.Tags(string(ctx.QueryArgs().Peek("prefix")), min(top, maxNames))
	if uses == nil {
		uses = []cache.TagUse{}
	}
	writeJSON(ctx, map[string]any{"tags": uses, "not_told_apart": more})
}

package proxy

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/proxy/internal/admin"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/telemetry/changes"
)

// doors are the ways in which an operation's entries can be made invalid; weir invalidate is the first one (TestInvalidate of cmd/weir).
var doors = map[string]func(r *rig, operation string, soft bool){
	"HTTP": func(r *rig, operation string, soft bool) {
		r.t.Helper()
		if reach := r.invalidate(operationBody(operation, soft)); reach.Entries != 1 {
			r.t.Errorf("%d entries were reached, want 1", reach.Entries)
		}
	},
	"command": func(r *rig, operation string, soft bool) {
		params := map[string]string{"operations": operation}
		if soft {
			params["soft"] = "true"
		}
		r.policies.command([]agent.Command{{ID: "c1", Generation: 1, Kind: agent.KindInvalidate, Params: params, Expires: time.Now().Add(time.Hour)}})
	},
	"Kafka": func(r *rig, operation string, soft bool) {
		r.t.Helper()
		if err := r.feed.feed.Obey(r.t.Context(), []changes.Record{{Topic: "said", Value: []byte(operationBody(operation, soft))}}); err != nil {
			r.t.Fatal(err)
		}
	},
}

func operationBody(operation string, soft bool) string {
	body, _ := json.Marshal(admin.Request{Operations: []string{operation}, Soft: soft}) // names always can be
	return string(body)
}

// By each door that takes it, an operation's name reaches all entries of that operation, and none of another that holds the same; an anonymous one,
// and one whose name is longer than a tag may be, go by their hash.
func TestInvalidationByOperation(t *testing.T) {
	const document = ` { x: book(id: "1") { __typename id title } }`
	long := strings.Repeat("L", 201)
	for door, invalidate := range doors {
		for name, c := range map[string]struct{ query, variables, as string }{
			"named":     {query: "query Front" + document, as: "Front"},
			"variables": {query: `query Front($n: Int) { x: page(n: $n) { __typename id title } }`, variables: `{"n":7}`, as: "Front"},
			"anonymous": {query: document},
			"too long":  {query: "query " + long + document},
		} {
			for _, soft := range []bool{false, true} {
				t.Run(door+"/"+name+map[bool]string{true: "/soft"}[soft], func(t *testing.T) {
					r := before(t, scripted(t, numbered()), func(f *config.File) {
						f.Invalidation.Kafka, f.Invalidation.Topics = config.List{"127.0.0.1:1"}, []config.ChangeTopic{{Name: "said", Format: "json"}}
						f.Policy.Cache.StaleWhileRevalidate = "1h"
					})
					eventually(t, "the schema is in force", func() bool { return r.policies.load().Plans.Schema() != nil })
					body := operation(c.query)
					if c.variables != "" {
						body = operation(c.query, "variables", c.variables)
					}
					one, other := call{body: body}, call{body: operation("query Other" + document)}
					r.kept("the operation", one)
					r.kept("another one", other)
					as := c.as
					if as == "" {
						as = r.hashOf(c.query)
					}
					invalidate(r, as, soft)
					status := r.fetch(one).header.Get("Cache-Status")
					if stale := strings.Contains(status, "; detail=invalidated"); strings.Contains(status, "; hit") != soft || stale != soft {
						t.Errorf("the operation: %s", status)
					}
					if status := r.fetch(other).header.Get("Cache-Status"); !strings.Contains(status, "; hit") || strings.Contains(status, "invalidated") {
						t.Errorf("another one: %s", status)
					}
				})
			}
		}
	}
}

// hashOf reads the hash of an operation where an operator would: at /plans.
func (r *rig) hashOf(query string) string {
	r.t.Helper()
	head, text := do(r.t, r.admin, http.MethodGet, "/plans", "")
	var plans []struct{ Operation, Hash, Canonical string }
	if err := json.Unmarshal([]byte(text), &plans); err != nil || head.StatusCode != http.StatusOK {
		r.t.Fatalf("%d %v %s", head.StatusCode, err, text)
	}
	for _, p := range plans {
		if !strings.HasPrefix(p.Canonical, "query Other") {
			return p.Hash
		}
	}
	r.t.Fatalf("/plans does not have %s: %s", query, text)
	return ""
}

// In supergraph mode operations share entries: a name that would reach none is refused by who can be told, not obeyed with a 200.
func TestInvalidationByOperationInSupergraphMode(t *testing.T) {
	r := fetching(t, func(http.ResponseWriter, *http.Request) {}, nil)
	head, text := do(t, r.admin, http.MethodPost, "/cache/invalidate", `{"operations":["Front"]}`)
	if head.StatusCode != http.StatusBadRequest || !strings.Contains(text, "supergraph mode") {
		t.Errorf("%d %s", head.StatusCode, text)
	}
	inv, problem := r.policies.invalidationOf(map[string]string{"operations": "Front", "tags": "Product:7"}) // which may be for other services, too
	if problem != "" || len(inv.Tags) != 1 || inv.Tags[0] != "Product:7" {
		t.Errorf("%+v %s", inv, problem)
	}
}

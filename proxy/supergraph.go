package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// loadSupergraph reads the file once, at the start.
func loadSupergraph(file string) (*planner.Supergraph, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("supergraph: %w; name the SDL file of a composed supergraph that this user may read", err)
	}
	s, err := planner.LoadSupergraph(file, string(text))
	if err != nil {
		return nil, fmt.Errorf("supergraph: %w", err)
	}
	return s, nil
}

// subgraphs answers operations in place of an upstream.
type subgraphs struct {
	clients  []*subgraph.Client // nil: no address
	executor *execute.Executor
}

func newSubgraphs(s *planner.Supergraph, log *slog.Logger) *subgraphs {
	g := &subgraphs{}
	for _, sub := range s.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: sub.URL})
		if err != nil { // an operation that does not need it is answered all the same
			log.Warn("a subgraph cannot be asked", "subgraph", sub.Name, "error", err)
		}
		g.clients = append(g.clients, c)
	}
	g.executor = execute.New(execute.Config{Clients: g.clients})
	return g
}

func (g *subgraphs) close() {
	for _, c := range g.clients {
		if c != nil {
			c.Close()
		}
	}
}

// errNoUpstream is what a request meets that no subgraph can answer, such as one for another path.
var errNoUpstream = errors.New("a sidecar with a supergraph has no upstream")

func noUpstream(context.Context, string) (net.Conn, error) { return nil, errNoUpstream }

// ownAnswers is the policy where nobody else can tell what is wrong with a request. Answers are not cached in this mode.
func ownAnswers(p *policy.Policy) {
	p.AnswerErrors, p.Validation, p.Variables, p.GetMutation = true, policy.Enforce, policy.Enforce, policy.Enforce
	p.Cache.Enabled = false
}

package execute

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/telemetry/event"
)

func TestWhatAnOperationTakesOfEachSubgraph(t *testing.T) {
	_, sg, e := shopOf(t, false, Config{})
	plan, v, _ := shopPlan(t, sg, "big")
	q := &Request{Plan: plan, Values: v}
	for i := range plan.Steps {
		q.Points = append(q.Points, 1<<i)
	}
	_, stats := e.Execute(t.Context(), q, nil)
	var sum event.Subgraph
	for _, u := range q.Uses {
		steps, points := 0, int64(0)
		for i := range plan.Steps {
			if plan.Subgraphs[plan.Steps[i].Subgraph] == u.Name {
				steps++
				points += 1 << i
			}
		}
		if int(u.Fetches) != steps || u.Points != points || u.BytesSent == 0 || u.BytesReceived == 0 || u.Errors+u.Cached != 0 {
			t.Errorf("%+v, want %d fetches", u, steps)
		}
		sum.Fetches += u.Fetches
		sum.BytesReceived += u.BytesReceived
	}
	if len(q.Uses) < 3 || int(sum.Fetches) != stats.Fetches || int(sum.BytesReceived) != stats.Bytes {
		t.Errorf("%+v of %+v", sum, stats)
	}
	for i, c := range e.cfg.Clients {
		s := c.Stats()
		at := slices.IndexFunc(q.Uses, func(u event.Subgraph) bool { return u.Name == plan.Subgraphs[i] })
		if at < 0 {
			t.Errorf("nothing of %s", plan.Subgraphs[i])
			continue
		}
		if u := q.Uses[at]; s.UpTo[len(s.UpTo)-1] != uint64(u.Fetches) || s.BytesSent != uint64(u.BytesSent) || s.BytesReceived != uint64(u.BytesReceived) || s.Lasted <= 0 {
			t.Errorf("%s: %+v, want what %+v says", u.Name, s, u)
		}
	}
}

func TestFaultyFetchesAreCounted(t *testing.T) {
	sg, e := shopWith(t, subgraph.Config{Dial: func(context.Context, string) (net.Conn, error) {
		return &faultyConn{memoryConn{store: &store{answers: map[string][]byte{}}}}, nil
	}}, Config{})
	plan, v := planOf(t, sg, `{ users { name } }`)
	q := &Request{Plan: plan, Values: v}
	_, _ = e.Execute(t.Context(), q, nil)
	s := e.cfg.Clients[plan.Steps[0].Subgraph].Stats()
	if len(q.Uses) != 1 || q.Uses[0].Errors != 1 || s.Partial != 1 {
		t.Errorf("%+v, %+v", q.Uses, s)
	}
	refused, dials := errors.New("no"), 0
	sg, e = shopWith(t, subgraph.Config{Dial: func(context.Context, string) (net.Conn, error) { dials++; return nil, refused }}, Config{})
	plan, v = planOf(t, sg, `{ users { name } }`)
	q = &Request{Plan: plan, Values: v}
	_, _ = e.Execute(t.Context(), q, nil)
	s = e.cfg.Clients[plan.Steps[0].Subgraph].Stats()
	if len(q.Uses) != 1 || q.Uses[0].Errors != 1 || q.Uses[0].Fetches != 1 || s.Failed["connect"] != 1 || dials != 1 {
		t.Errorf("%+v, %+v", q.Uses, s)
	}
}

// What was asked twice was fetched twice.
func TestAHedgeIsAFetch(t *testing.T) {
	s, dials := &store{answers: map[string][]byte{}}, 0
	sg, e := shopWith(t, subgraph.Config{
		Hedging: subgraph.Hedging{After: time.Millisecond}, Retries: subgraph.Retries{Budget: 1},
		Resolve: func(context.Context, string) ([]string, error) { return nil, nil },
		Dial: func(context.Context, string) (net.Conn, error) {
			if dials++; dials > 1 {
				return &memoryConn{store: s}, nil
			}
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }() // it never answers
			return ours, nil
		},
	}, Config{})
	plan, v := planOf(t, sg, `{ users { name } }`)
	q := &Request{Plan: plan, Values: v}
	_, stats := e.Execute(t.Context(), q, nil)
	c := e.cfg.Clients[plan.Steps[0].Subgraph].Stats()
	if u := q.Uses[0]; stats.Errors != 0 || stats.Fetches != 2 || u.Fetches != 2 || u.Errors != 0 || c.Won != 1 || c.Calls != 2 || uint64(u.BytesSent) != c.BytesSent {
		t.Errorf("%+v %+v %+v", stats, u, c)
	}
}

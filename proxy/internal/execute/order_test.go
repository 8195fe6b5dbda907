package execute

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// heldConn does not answer what has slow in it before something with first in it was asked on any connection.
type heldConn struct {
	memoryConn
	slow, first []byte
	asked       *sync.Once
	released    chan struct{}
	hold        bool
}

func (c *heldConn) Write(b []byte) (int, error) {
	c.hold = bytes.Contains(b, c.slow)
	if bytes.Contains(b, c.first) {
		c.asked.Do(func() { close(c.released) })
	}
	return c.memoryConn.Write(b)
}

func (c *heldConn) Read(b []byte) (int, error) {
	if c.hold {
		select {
		case <-c.released:
		case <-time.After(5 * time.Second):
			return 0, context.DeadlineExceeded
		}
	}
	return c.memoryConn.Read(b)
}

// A step begins when what it needs itself is there: a slow answer that it does not need does not delay it.
func TestAStepWaitsForItsOwnInputsOnly(t *testing.T) {
	chains := `{ users { reviews { id } } topProducts { inStock } }`
	deep := `{ users { reviews { author { name } product { inStock price } } } }`
	for _, c := range []struct{ name, query, slow, first string }{
		{"users are slow", chains, "{users{", "inStock"},
		{"products are slow", chains, "{topProducts{", "{reviews{"},
		{"names are slow", deep, "on User{name}", "inStock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &store{answers: map[string][]byte{}}
			asked, released := new(sync.Once), make(chan struct{})
			sg, e := shopWith(t, subgraph.Config{Dial: func(context.Context, string) (net.Conn, error) {
				return &heldConn{memoryConn: memoryConn{store: s}, slow: []byte(c.slow), first: []byte(c.first), asked: asked, released: released}, nil
			}}, Config{})
			p := planner.Build(sg.Schema(), c.query, "", planner.Options{})
			var v planner.Values
			p.Coerce(nil, &v)
			plan, err := p.Fetches(&v)
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if got, _ := e.Execute(t.Context(), &Request{Plan: plan, Values: &v}, nil); string(got) != string(answerTo(c.query, nil)) || time.Since(begun) > 4*time.Second {
				t.Errorf("after %v: %s\n%s", time.Since(begun), got, plan)
			}
		})
	}
}

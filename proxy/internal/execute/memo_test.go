package execute

import (
	"bytes"
	"context"
	"net"
	"testing"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// With the memo, what a subgraph has said of an entity is not asked again, and the answer is the same.
func TestMemo(t *testing.T) {
	for _, c := range []struct {
		name, query    string
		without, fewer int // fetches
	}{
		{"authors are known, products only if nobody has to wait", `{ users { name reviews { author { name } product { name } } } topProducts { upc name } }`, 5, 4},
		{"another field", `{ users { name reviews { author { birthday } } } }`, 3, 3},
		{"one of two fields", `{ users { name reviews { author { name birthday } } } }`, 3, 3},
		{"another name for the same field", `{ users { n: name reviews { author { m: name } } } }`, 3, 2},
		{"other types of the same keys", `{ users { name reviews { product { name } } } }`, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, memo := range []bool{false, true} {
				_, sg, e := shopOf(t, false, Config{Memo: memo})
				plan, v := planOf(t, sg, c.query)
				want := c.without
				if memo {
					want = c.fewer
				}
				if got, stats := e.Execute(t.Context(), &Request{Plan: plan, Values: v}, nil); string(got) != string(answerTo(c.query, nil)) || stats.Fetches != want {
					t.Errorf("memo %v: %d fetches, want %d\n%s\n%s", memo, stats.Fetches, want, got, plan)
				}
			}
		})
	}
}

func TestMemoOfTheBigOperation(t *testing.T) {
	_, sg, e := shopOf(t, false, Config{Memo: true})
	plan, v, want := shopPlan(t, sg, "big")
	var out []byte
	var stats Stats
	q := &Request{Plan: plan, Values: v}
	if n := testing.AllocsPerRun(50, func() { out, stats = e.Execute(t.Context(), q, out[:0]) }); string(out) != want || stats.Fetches != 4 || n != 0 && !underRace {
		t.Errorf("%d fetches, %v allocations\n%s\nwant\n%s", stats.Fetches, n, out, want)
	}
}

// faultyConn adds an error to what the users are answered with.
type faultyConn struct{ memoryConn }

func (c *faultyConn) Read(b []byte) (int, error) {
	const wrong = `HTTP/1.1 200 OK` + "\r\nContent-Length: 98\r\n\r\n" + `{"data":{"users":[{"id":"2","name":null}]},"errors":[{"message":"no","path":["users",0,"name"]}] }`
	if bytes.Contains(c.rest, []byte(`"users"`)) {
		c.rest = []byte(wrong)
	}
	return c.memoryConn.Read(b)
}

// What an answer with errors says is no knowledge: the entity is asked for.
func TestMemoDoesNotTrustAnAnswerWithErrors(t *testing.T) {
	s := &store{answers: map[string][]byte{}}
	sg, e := shopWith(t, subgraph.Config{Dial: func(context.Context, string) (net.Conn, error) {
		return &faultyConn{memoryConn{store: s}}, nil
	}}, Config{Memo: true})
	plan, v := planOf(t, sg, `{ users { name reviews { author { name } } } }`)
	got, stats := e.Execute(t.Context(), &Request{Plan: plan, Values: v}, nil)
	if stats.Fetches != 3 || !bytes.Contains(got, []byte(`"author":{"name":"name of User 2"}`)) {
		t.Errorf("%d fetches: %s", stats.Fetches, got)
	}
}

func planOf(t *testing.T, sg *planner.Supergraph, query string) (*planner.FetchPlan, *planner.Values) {
	t.Helper()
	p := planner.Build(sg.Schema(), query, "", planner.Options{})
	v := new(planner.Values)
	p.Coerce(nil, v)
	plan, err := p.Fetches(v)
	if err != nil {
		t.Fatal(err, p.Errors())
	}
	return plan, v
}

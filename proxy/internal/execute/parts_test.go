package execute

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// inParts executes a query in parts; sent is called with each payload, and may say that the client has gone.
func inParts(t *testing.T, query string, format Format, a, b http.HandlerFunc, leash *subgraph.Leash, sent func(payload string) bool) {
	t.Helper()
	sg, e := shopAt(t, a, b)
	p := planner.Build(sg.Schema(), query, "", planner.Options{})
	var v planner.Values
	if len(p.Errors()) > 0 || p.Coerce(nil, &v) != nil {
		t.Fatal(p.Errors())
	}
	plan, err := p.FetchesInParts(&v, nil)
	if err != nil || plan.Parts == nil {
		t.Fatal("no parts", err)
	}
	for range 2 { // memory of an execution before is used
		e.ExecuteInParts(t.Context(), &Request{Plan: plan, Values: &v, Leash: leash}, &Delivery{
			Format: format, Send: func(payload []byte, _ bool) bool { return sent(string(payload)) },
		})
	}
}

func TestPartsOnTheWire(t *testing.T) {
	misfit := func(i string) string {
		return `{"message":"Cannot return null for non-nullable field Product.price.","path":["products",` + i + `,"price"],"extensions":{"code":"subgraph.bad_value"}}`
	}
	down := `{"message":"down","extensions":{"serviceName":"b"}}`
	one := `{"data":{"products":[{"__typename":"Product","id":"1","name":"A"}]}}`
	for _, c := range []struct {
		name, query   string
		a, b          http.HandlerFunc
		draft, legacy []string
	}{
		{
			"in a list", `{ products { name ... @defer(label: "s") { stock } } }`, text(products), text(stocks),
			[]string{
				`{"data":{"products":[{"name":"A"},{"name":"B"},{"name":"C"}]},"pending":[{"id":"0","path":["products",0],"label":"s"},{"id":"1","path":["products",1],"label":"s"},{"id":"2","path":["products",2],"label":"s"}],"hasNext":true}`,
				`{"incremental":[{"id":"0","data":{"stock":7}},{"id":"1","data":{"stock":8}},{"id":"2","data":{"stock":7}}],"completed":[{"id":"0"},{"id":"1"},{"id":"2"}],"hasNext":false}`,
			},
			[]string{
				`{"data":{"products":[{"name":"A"},{"name":"B"},{"name":"C"}]},"hasNext":true}`,
				`{"incremental":[{"data":{"stock":7},"path":["products",0],"label":"s"},{"data":{"stock":8},"path":["products",1],"label":"s"},{"data":{"stock":7},"path":["products",2],"label":"s"}],"hasNext":false}`,
			},
		},
		{
			"below what is there", `{ products { name } ... @defer { products { name stock } } }`, text(one), text(`{"data":{"_entities":[{"stock":7}]}}`),
			[]string{
				`{"data":{"products":[{"name":"A"}]},"pending":[{"id":"0","path":[]}],"hasNext":true}`,
				`{"incremental":[{"id":"0","subPath":["products",0],"data":{"stock":7}}],"completed":[{"id":"0"}],"hasNext":false}`,
			},
			[]string{
				`{"data":{"products":[{"name":"A"}]},"hasNext":true}`,
				`{"incremental":[{"data":{"products":[{"name":"A","stock":7}]},"path":[]}],"hasNext":false}`,
			},
		},
		{
			"one in another", `{ products { id ... @defer(label: "o") { __typename ... @defer(label: "i") { stock } } } }`, text(one), text(`{"data":{"_entities":[{"stock":7}]}}`),
			[]string{
				`{"data":{"products":[{"id":"1"}]},"pending":[{"id":"0","path":["products",0],"label":"o"}],"hasNext":true}`,
				`{"incremental":[{"id":"0","data":{"__typename":"Product"}}],"completed":[{"id":"0"}],"pending":[{"id":"1","path":["products",0],"label":"i"}],"hasNext":true}`,
				`{"incremental":[{"id":"1","data":{"stock":7}}],"completed":[{"id":"1"}],"hasNext":false}`,
			},
			[]string{
				`{"data":{"products":[{"id":"1"}]},"hasNext":true}`,
				`{"incremental":[{"data":{"__typename":"Product"},"path":["products",0],"label":"o"}],"hasNext":true}`,
				`{"incremental":[{"data":{"stock":7},"path":["products",0],"label":"i"}],"hasNext":false}`,
			},
		},
		{
			"null where none may be", `{ products { name ... @defer { price } } }`, text(products), text(`{"data":{"_entities":[{"price":null},{"price":8}]}}`),
			[]string{
				`{"data":{"products":[{"name":"A"},{"name":"B"},{"name":"C"}]},"pending":[{"id":"0","path":["products",0]},{"id":"1","path":["products",1]},{"id":"2","path":["products",2]}],"hasNext":true}`,
				`{"incremental":[{"id":"1","data":{"price":8}}],"completed":[{"id":"0","errors":[` + misfit("0") + `]},{"id":"1"},{"id":"2","errors":[` + misfit("2") + `]}],"hasNext":false}`,
			},
			[]string{
				`{"data":{"products":[{"name":"A"},{"name":"B"},{"name":"C"}]},"hasNext":true}`,
				`{"incremental":[{"data":null,"path":["products",0],"errors":[` + misfit("0") + `]},{"data":{"price":8},"path":["products",1]},{"data":null,"path":["products",2],"errors":[` + misfit("2") + `]}],"hasNext":false}`,
			},
		},
		{
			"a subgraph fails", `{ products { name ... @defer { stock } } }`, text(one), text(`{"errors":[{"message":"down"}]}`),
			[]string{
				`{"data":{"products":[{"name":"A"}]},"pending":[{"id":"0","path":["products",0]}],"hasNext":true}`,
				`{"incremental":[{"id":"0","data":{"stock":null},"errors":[` + down + `]}],"completed":[{"id":"0"}],"hasNext":false}`,
			},
			[]string{
				`{"data":{"products":[{"name":"A"}]},"hasNext":true}`,
				`{"incremental":[{"data":{"stock":null},"path":["products",0],"errors":[` + down + `]}],"hasNext":false}`,
			},
		},
		{
			"nothing is there to begin at", `{ products { name ... @defer { stock } } }`, text(`{"data":{"products":null}}`), text(stocks),
			[]string{`{"data":{"products":null},"hasNext":false}`},
			[]string{`{"data":{"products":null},"hasNext":false}`},
		},
		{
			"nothing is new", `{ products { name ... @defer { name } } }`, text(one), text(stocks),
			[]string{`{"data":{"products":[{"name":"A"}]},"hasNext":false}`},
			[]string{`{"data":{"products":[{"name":"A"}]},"hasNext":true}`, `{"incremental":[{"data":{"name":"A"},"path":["products",0]}],"hasNext":false}`},
		},
	} {
		for format, want := range map[Format][]string{Draft: c.draft, Legacy: c.legacy} {
			t.Run(c.name, func(t *testing.T) {
				var got []string
				inParts(t, c.query, format, c.a, c.b, nil, func(payload string) bool { got = append(got, payload); return true })
				if want := strings.Join(append(want[:len(want):len(want)], want...), "\n"); strings.Join(got, "\n") != want {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
				}
			})
		}
	}
}

// The subgraph of the deferred part answers when the client has the first part, and not before.
func TestASlowPartDoesNotDelayTheFirst(t *testing.T) {
	first := make(chan struct{}, 2)
	n := 0
	inParts(t, `{ products { name ... @defer { stock } } }`, Draft, text(products), func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-first:
		case <-time.After(patience):
		}
		_, _ = io.WriteString(w, stocks)
	}, nil, func(payload string) bool {
		if n++; strings.HasPrefix(payload, `{"data"`) {
			first <- struct{}{}
		} else if !strings.Contains(payload, `"stock":7`) {
			t.Error(payload)
		}
		return true
	})
	if n != 4 {
		t.Errorf("%d payloads", n)
	}
}

// When the client has gone after the first part, the fetch for the other ends.
func TestPartsEndWithTheirClient(t *testing.T) {
	var leash subgraph.Leash
	n, begun := 0, time.Now()
	inParts(t, `{ products { name ... @defer { stock } } }`, Draft, text(products), func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // before that a server does not look whether its client has left
		<-r.Context().Done()
	}, &leash, func(string) bool {
		n++
		return false
	})
	if took := time.Since(begun); n > 2 || took >= patience {
		t.Errorf("%d payloads in %v", n, took)
	}
}

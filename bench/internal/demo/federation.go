package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/subgraphs"
)

const (
	slowAnswer    = 100 * time.Millisecond // of the subgraph reviews
	federationAsk = 20 * time.Millisecond  // between questions
	productsQuery = `query Products { products { name price pieces verdict } }`
	// federationFile is what the sidecar over the subgraphs has beside flags.
	federationFile = `policy:
  breaker: { mode: enforce, requests: 5, open: 1s }
`
)

// graphs are the subgraphs of the last step, and the field of a product that each has.
var graphs = []struct{ name, field, typ string }{
	{"products", "name", "String"}, {"prices", "price", "Int"}, {"stock", "pieces", "Int"}, {"reviews", "verdict", "String"},
}

const killed = 2 // stock, on a server of its own

// federation is four subgraphs and a sidecar that plans and executes over them.
type federation struct {
	others, own *subgraphs.Server // own has the one that is killed
	stock       *subgraphs.Subgraph
	target      load.Target
}

// federate plays a subgraph's end and its return.
func (s *script) federate(ctx context.Context) (saw string, err error) {
	f, err := s.startFederation(ctx)
	if err != nil {
		return "", err
	}
	var whole *products
	if err := until(ctx, federationAsk, func() error {
		whole, err = f.ask(ctx)
		return errors.Join(err, whole.complete())
	}); err != nil {
		return "", err
	}
	address := f.own.Address()
	if err := f.own.Close(); err != nil {
		return "", err
	}
	var partial *products
	for _, code := range []string{"", "subgraph.breaker"} { // the first failure, whichever it is, and that of the breaker
		if err := until(ctx, federationAsk, func() error {
			if partial, err = f.ask(ctx); err != nil {
				return err
			}
			return partial.without("pieces", graphs[killed].name, code)
		}); err != nil {
			return "", err
		}
	}
	began := time.Now()
	if f.own, err = subgraphs.ServeAt(address); err != nil {
		return "", err
	}
	s.onStop(f.own.Close)
	f.own.Put(graphs[killed].name, f.stock)
	if err := until(ctx, federationAsk, func() error {
		again, err := f.ask(ctx)
		return errors.Join(err, again.complete())
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("4 subgraphs in %s, one of them slow by %s; without stock the answer has null for it and the rest, then its breaker opens (%s in %s); whole again %s after its return",
		whole.took.Round(time.Millisecond), slowAnswer, partial.code(), partial.took.Round(time.Millisecond), time.Since(began).Round(10*time.Millisecond)), nil
}

func (s *script) startFederation(ctx context.Context) (f *federation, err error) {
	f = &federation{}
	if f.others, err = subgraphs.Serve(); err != nil {
		return nil, err
	}
	s.onStop(f.others.Close)
	if f.own, err = subgraphs.Serve(); err != nil {
		return nil, err
	}
	schema, data := shop()
	urls := make([]string, len(graphs))
	for g := range graphs {
		one, err := subgraphs.New(subgraphs.Config{Name: graphs[g].name, SDL: schema.Subgraph(g), Data: data})
		if err != nil {
			return nil, err
		}
		server := f.others
		if g == killed {
			server, f.stock = f.own, one
		}
		urls[g] = server.Put(graphs[g].name, one)
	}
	f.others.Behave("reviews", subgraphs.Conduct{Delay: slowAnswer})
	sdl, file := filepath.Join(s.dir, "supergraph.graphql"), filepath.Join(s.dir, "federation.yaml")
	if err := errors.Join(os.WriteFile(sdl, []byte(schema.Supergraph(urls)), 0o644), os.WriteFile(file, []byte(federationFile), 0o644)); err != nil {
		return nil, err
	}
	sidecar, err := fleet.StartSidecar(ctx, fleet.SidecarConfig{
		Binary: s.weir, Name: "weir-f", Dir: s.dir, Service: service, Args: []string{"-c", file, "--supergraph", sdl},
	})
	if err != nil {
		return nil, err
	}
	s.onStop(sidecar.Stop)
	f.target, err = load.ParseTarget(sidecar.URL())
	return f, err
}

// shop is a schema of which each subgraph has one field of a product, and its products.
func shop() (*federated.Schema, *subgraphs.Data) {
	schema := &federated.Schema{}
	query := &federated.Type{Name: "Query", Kind: ast.Object, Parts: []federated.Part{{Graph: 0}}}
	product := &federated.Type{Name: "Product", Kind: ast.Object}
	id := &federated.Field{Name: "id", Type: "ID!"}
	product.Fields = append(product.Fields, id)
	for g, one := range graphs {
		schema.Graphs = append(schema.Graphs, one.name)
		product.Parts = append(product.Parts, federated.Part{Graph: g, Keys: []federated.Key{{Fields: "id"}}})
		id.Parts = append(id.Parts, federated.FieldPart{Graph: g})
		product.Fields = append(product.Fields, &federated.Field{Name: one.field, Type: one.typ, Parts: []federated.FieldPart{{Graph: g}}})
	}
	query.Fields = []*federated.Field{{Name: "products", Type: "[Product]", Parts: []federated.FieldPart{{Graph: 0}}}}
	schema.Types = []*federated.Type{query, product}
	data := &subgraphs.Data{Rows: map[string][]*subgraphs.Row{}}
	var list []any
	for i, name := range []string{"Staff gauge", "Flow meter", "Sluice gate"} {
		row := &subgraphs.Row{Type: "Product", Fields: map[string]any{
			"id": strconv.Itoa(i + 1), "name": name, "price": int64(100 * (i + 1)), "pieces": int64(10 * (i + 1)), "verdict": "holds water",
		}}
		data.Rows["Product"] = append(data.Rows["Product"], row)
		list = append(list, row)
	}
	data.Rows["Query"] = []*subgraphs.Row{{Type: "Query", Fields: map[string]any{"products": list}}}
	return schema, data
}

// products is an answer.
type products struct {
	Data   struct{ Products []map[string]any }
	Errors []struct {
		Message    string
		Extensions struct{ Code, ServiceName string }
	}
	took time.Duration
	text string
}

func (f *federation) ask(ctx context.Context) (*products, error) {
	c := load.NewConn(f.target)
	defer c.Close()
	began := time.Now()
	a, err := c.Post(ctx, []byte(`{"operationName":"Products","query":`+strconv.Quote(productsQuery)+`}`), askTime)
	if err != nil {
		return nil, err
	}
	p := &products{took: time.Since(began), text: string(a.Body)}
	if err := json.Unmarshal(a.Body, p); err != nil {
		return nil, fmt.Errorf("%d %s: %w", a.Status, a.Body, err)
	}
	return p, nil
}

func (p *products) complete() error {
	if p == nil || len(p.Errors) > 0 || len(p.Data.Products) == 0 || p.holes("") {
		return fmt.Errorf("not the whole answer: %v", p)
	}
	return nil
}

// without is nil when one field is missing, everything else is there, and each error is the subgraph's, with the code if one is named.
func (p *products) without(field, service, code string) error {
	ok := len(p.Errors) > 0 && len(p.Data.Products) > 0 && !p.holes(field)
	for _, one := range p.Data.Products {
		ok = ok && one[field] == nil
	}
	for _, e := range p.Errors {
		ok = ok && e.Extensions.ServiceName == service && strings.HasPrefix(e.Extensions.Code, "subgraph.") && (code == "" || e.Extensions.Code == code)
	}
	if !ok {
		return fmt.Errorf("not the answer without %s: %s", field, p.text)
	}
	return nil
}

// holes reports a null in another field than one.
func (p *products) holes(but string) bool {
	for _, one := range p.Data.Products {
		for _, g := range graphs {
			if g.field != but && one[g.field] == nil {
				return true
			}
		}
	}
	return false
}

func (p *products) code() string { return p.Errors[0].Extensions.Code }

func (p *products) String() string {
	if p == nil {
		return "none"
	}
	return p.text
}

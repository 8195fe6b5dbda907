package cachepolicy

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

const shop = `
interface Node { id: ID! }
type Product implements Node { id: ID! name: String price: Int stock: Stock }
type Order implements Node { id: ID! total: Int product: Product }
type Stock { left: Int }
type Account @cacheControl(scope: PRIVATE) { name: String }
union Found = Product | Order | Account
type Query { product: Product order: Order node: Node found: Found open: Found @cacheControl(scope: PUBLIC) account: Account now: String
  _entities(representations: [_Any!]!): [_Entity]! }
scalar _Any
union _Entity = Product | Order
`

func TestTheNarrowestShareOfAnOperationCounts(t *testing.T) {
	schema := load(t, shop)
	given := Shares{"Product": ShareTenant, "Order": ShareUser, "Query.now": SharePublic, "Product.price": ShareRoles, "Node.id": SharePublic}
	for _, c := range []struct {
		name, document string
		shares         Shares
		share          Share
		open, reason   string // parts
	}{
		{"nothing is given", `{product {name}}`, nil, SharePublic, "type Product at product", ""},
		{"a type", `{product {name}}`, given, ShareTenant, "", "type Product at product"},
		{"a narrower type", `{order {total}}`, given, ShareUser, "", "type Order at order"},
		{"the narrowest of two", `{order {product {name}} product {name}}`, given, ShareUser, "", "type Order at order"},
		{"a field narrower than its type", `{product {price}}`, given, ShareRoles, "", "field Product.price at product.price"},
		{"a field that is wider does not widen", `{product {id}}`, given, ShareTenant, "", "type Product"},
		{"a scalar at the root", `{now}`, given, SharePublic, "", "field Query.now at now"},
		{"a type that is not given", `{product {stock {left}}}`, given, ShareTenant, "type Stock at product.stock", "type Product"},
		{"an interface stands for its members", `{node {id ... on Order {total}}}`, given, ShareUser, "", "type Order at node"},
		{"only the members that are asked", `{found {... on Product {name}}}`, given, ShareTenant, "", "type Product at found"},
		{"a member that is not given", `{found {... on Product {name} ... on Account {name}}}`, Shares{"Product": ShareTenant}, ShareUser, "type Found at found", "type Account at found"},
		{"a private member without shares", `{found {... on Account {name}}}`, nil, ShareUser, "type Found", "PRIVATE"},
		{"a private member by a fragment", `{found {...A}} fragment A on Account {name}`, nil, ShareUser, "type Found", "PRIVATE"},
		{"a private member that is not asked", `{found {... on Order {total}}}`, nil, SharePublic, "type Found", ""},
		{"a field that says PUBLIC for all members", `{open {... on Account {name}}}`, nil, SharePublic, "type Found", ""},
		{"only the members' names", `{found {__typename}}`, given, SharePublic, "type Found", ""},
		{"entities", `query($r: [_Any!]!) {_entities(representations: $r) {... on Product {name} ... on Order {total}}}`, given, ShareUser, "", "type Order at _entities"},
		{"one entity", `query($r: [_Any!]!) {_entities(representations: $r) {... on Product {name}}}`, given, ShareTenant, "", "type Product"},
		{"introspection", `{product {name} __schema {types {name}}}`, given, ShareTenant, "introspection", "type Product"},
		{"an alias makes the path", `{p: product {c: price}}`, given, ShareRoles, "", "at p.c"},
	} {
		doc := gqltest.Document(t, c.document)
		p := Compute(schema, doc, doc.Operations[0], 10, nil, c.shares)
		if p.Share != c.share || (p.Open == "") != (c.open == "") || p.Given != (c.open == "") || !strings.Contains(p.Open, c.open) || !strings.Contains(p.ShareReason, c.reason) {
			t.Errorf("%s: %s by %q, open %q", c.name, p.Share, p.ShareReason, p.Open)
		}
	}
	only := gqltest.Document(t, `{__typename}`)
	if p := Compute(schema, only, only.Operations[0], 10, nil, given); p.Given {
		t.Errorf("nothing is selected: %+v", p)
	}
	doc := gqltest.Document(t, `{product {name}}`)
	if p := Compute(nil, doc, doc.Operations[0], 10, nil, given); p.Share != ShareUser || p.Given {
		t.Errorf("without a schema: %+v", p)
	}
	if p := Compute(nil, doc, doc.Operations[0], 10, nil, nil); p.Share != SharePublic || p.Given {
		t.Errorf("without schema and shares: %+v", p)
	}
}

package config

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner"
)

const privateSchema = `type Order @cacheControl(maxAge: 10, scope: PRIVATE) { total: Int }
type Product { name: String secret: String @cacheControl(scope: PRIVATE) }
union Found = Product | Order
type Query { product: Product order: Order found: Found open: Order @cacheControl(scope: PUBLIC) }
type Mutation { buy: Order }
scalar Date
`

const oneRule = "upstream: http://a:1\npolicy:\n  scope:\n    jwt: {algorithms: [RS256], jwks_url: https://a/, class: user, claim: sub, tenant_claim: org}\n"

// TestPolicyThatWouldSharePrivateDataIsRefused with the place of the type or field, and the cure.
func TestPolicyThatWouldSharePrivateDataIsRefused(t *testing.T) {
	schema, err := planner.ParseSchema("s.graphql", privateSchema)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"Order: tenant":          `:6:14: policy.scope.types.Order: would share type Order, which is PRIVATE by the schema (s.graphql:1:13); write user`,
		"Order: user":            "",
		"Product: tenant":        "",
		"Found: public":          `policy.scope.types.Found: would share type Order, a member of Found that is PRIVATE`,
		"Query.order: public":    `:6:20: policy.scope.types.'Query.order': would share type Order`,
		"Query.open: public":     "",
		"Product.secret: tenant": `would share field Product.secret, which is PRIVATE by the schema (s.graphql:2:45)`,
		"Product.secret: user":   "",
		"Query.found: tenant":    `a member of Found`,
		"Nothing: user":          `policy.scope.types.Nothing: the schema has no type Nothing`,
		"Query.nothing: user":    `type Query has no field nothing`,
		"Date: user":             `is no object, interface or union`,
		"Mutation: user":         `answers of a mutation are never kept`,
	} {
		_, v, err := compile(t, oneRule+"    types:\n      "+text+"\n")
		if err != nil {
			t.Fatal(err)
		}
		err = v.CheckSharing(schema)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestScopesThatCannotBeMeantAreRefused(t *testing.T) {
	scopeOf := func(text string) string { return "upstream: http://a:1\npolicy:\n  scope:\n    " + text + "\n" }
	for text, want := range map[string]string{
		scopeOf("header: {name: X-User, class: user}"):                                                           ":4:13: policy.scope.header.vouched_by: is missing: any client could set X-User",
		scopeOf("header: {name: X, class: user, vouched_by: {networks: [0.0.0.0/0]}}"):                           "policy.scope.header.vouched_by.networks[0]: 0.0.0.0/0 holds every client",
		scopeOf("header: {name: X, class: user, vouched_by: {secret_header: Y, secret: \"${S}\"}}"):              "vouched_by.secret: ${S} is not read",
		scopeOf("types: {Order: user}"):                                                                          "policy.scope.types.Order: no rule tells a request's user",
		scopeOf("types: {Order: everyone}"):                                                                      `policy.scope.types.Order: "everyone" is no class; write public, tenant, roles or user`,
		scopeOf("types: [Order]"):                                                                                "policy.scope.types: is not a mapping",
		scopeOf("types: {Order: [user]}"):                                                                        "policy.scope.types.Order: is a list",
		scopeOf("types: {Order: public, Order: public}"):                                                         "policy.scope.types.Order: is given twice",
		scopeOf("types: {5: public}"):                                                                            "policy.scope.types: a key is not plain text",
		scopeOf("operations: {Dash: public}"):                                                                    "by the name it gives an operation",
		scopeOf("jwt: {algorithms: [RS256], class: user, claim: 'a..b'}"):                                        "policy.scope.jwt.claim: \"a..b\" is no path of a claim",
		scopeOf("jwt: {algorithms: [RS256], class: user, claim: 'https://a/b'}"):                                 "put that name in double quotes",
		scopeOf("issuers: [{algorithms: [RS256], class: user, claim: sub}]"):                                     "policy.scope.issuers[0].issuer: is missing",
		scopeOf("issuers: [{issuer: a, algorithms: [RS256], class: user, claim: sub}, {issuer: a, claim: sub}]"): "policy.scope.issuers[1].issuer: a has a rule already, at policy.scope.issuers[0].issuer",
		"upstream: http://a:1\npolicy: {cache: {default_max_age: 5s}, scope: {authorized_public: true}}\n":       "policy.scope.authorized_public: would share what nobody has called public",
		"upstream: http://a:1\npolicy: {cache: {default_max_age: 5s}, scope: {ignore_cookies: true}}\n":          "policy.scope.ignore_cookies: would share what nobody has called public among all sessions",
		"upstream: http://a:1\npolicy: {cache: {upstream_headers: false}, scope: {authorized_public: true}}\n":   "needs the upstream's word",
		oneRule + "    authorized_public: true\n":                                                                "is for services without a token rule",
		oneRule + "    types: {Order: roles}\n":                                                                  "no rule tells a request's roles",
	} {
		if _, _, err := compile(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
	_, v, err := compile(t, oneRule+"    types: {Order: tenant, Query.x: public}\n    operations: {A: user}\n")
	if err != nil || v.Plans.Options.Shares["Order"] != planner.ShareTenant || v.Plans.Options.Shares["Query.x"] != planner.SharePublic ||
		v.Plans.Options.OperationShares["A"] != planner.ShareUser {
		t.Errorf("%v %+v", err, v.Plans.Options)
	}
}

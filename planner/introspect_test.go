package planner

import "testing"

// Introspection is answered from the schema that clients see.
func TestFetchesIntrospection(t *testing.T) {
	s := loadSupergraph(t, "testdata/shop.graphql")
	plan := fetchPlan(t, s, `{ t: __type(name: "Review") { kind name fields { name type { kind name ofType { name } } } } __schema { queryType { name } mutationType { name } } none: __type(name: "join__Graph") { name } __typename }`, "")
	if len(plan.Steps) != 0 {
		t.Errorf("there are requests:\n%s", plan)
	}
	want := []string{
		`{"kind":"OBJECT","name":"Review","fields":[{"name":"id","type":{"kind":"NON_NULL","name":null,"ofType":{"name":"ID"}}},{"name":"body","type":{"kind":"SCALAR","name":"String","ofType":null}},{"name":"product","type":{"kind":"OBJECT","name":"Product","ofType":null}},{"name":"author","type":{"kind":"OBJECT","name":"User","ofType":null}}]}`,
		`{"queryType":{"name":"Query"},"mutationType":null}`,
		`null`,
	}
	for i, w := range want {
		if got := string(plan.Projections[0].Fields[i].Constant); got != w {
			t.Errorf("%s is %s, want %s", plan.Projections[0].Fields[i].Key, got, w)
		}
	}
}

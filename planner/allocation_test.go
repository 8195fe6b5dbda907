package planner

import (
	"bytes"
	"testing"
)

// hot is a request as it comes again and again.
type hot struct {
	cache    *Cache
	request  Request
	plan     *Plan
	values   Values
	tags     Tags
	response []byte
	mutation *Plan
	renamed  []byte
}

func newHot(t testing.TB) *hot {
	t.Helper()
	h := &hot{cache: NewCache(CacheConfig{Schema: world(t)})}
	body := []byte(`{"operationName":"Q","query":"query Q($id: ID!, $n: Int, $f: CityFilter) {\n  city(id: $id) { id name country { id name cities(first: $n, filter: $f) { nodes { id name population } } } }\n  search(text: \"x\", limit: $n) { __typename ... on City { id } ... on Person { id } }\n}","variables":{"id":"5","n":3,"f":{"name":"x","population":{"max":5}}}}`)
	if err := ParseRequest(body, &h.request); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.plan, err = h.cache.Plan(&h.request, 1); err != nil || len(h.plan.Errors()) > 0 {
		t.Fatal(err, h.plan.Errors())
	}
	h.response = []byte(`{"data":{"city":{"id":"5","name":"a","country":{"id":"c1","name":"b","cities":{"nodes":[{"id":"6","name":"x","population":1},{"id":"7","name":"y","population":null}]}}},"search":[{"__typename":"City","id":"9"},{"__typename":"Robot"}]}}`)
	h.mutation = Build(h.cache.Schema(), `mutation { renameCity(id: 5, name: "x") { id country { id } } }`, "", Options{})
	h.renamed = []byte(`{"data":{"renameCity":{"id":"5","country":{"id":"c1"}}}}`)
	return h
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	h := newHot(t)
	document := h.request.AppendDocument(nil)
	plain := Request{Query: document, OperationName: []byte("Q")}
	if _, err := h.cache.Plan(&plain, 1); err != nil {
		t.Fatal(err)
	}
	hash := []byte(sha256Hex(document))
	var cost Cost
	var facts Facts
	for _, tc := range []struct {
		name string
		run  func()
		done func() bool
	}{
		{"Lookup", func() { h.plan = h.cache.Lookup(&h.request) }, func() bool { return h.plan != nil }},
		{"Lookup of another spelling", func() { h.plan = h.cache.Lookup(&plain) }, func() bool { return h.plan != nil }},
		{"LookupHash", func() { h.plan = h.cache.LookupHash(hash, plain.OperationName) }, func() bool { return h.plan != nil }},
		{"Coerce", func() {
			if errs := h.plan.Coerce(h.request.Variables, &h.values); errs != nil {
				t.Error(errs)
			}
		}, func() bool { return len(h.values.Canonical) > 0 }},
		{"Cost", func() { cost = h.plan.Cost(&h.values) }, func() bool { return cost.Points() > 1 }},
		{"Inspect", func() { h.tags.Reset(); facts = h.plan.Inspect(h.response, &h.tags) }, func() bool { return facts.HasData && h.tags.Len() > 8 }},
		{"AppendQueryTags", func() { h.plan.AppendQueryTags(&h.values, &h.tags); h.tags.Reset() }, func() bool { return true }},
		{"InspectMutation", func() { h.tags.Reset(); facts = h.mutation.InspectMutation(h.renamed, &h.tags) }, func() bool { return facts.HasData && h.tags.Len() > 3 }},
		{"KeyPart", func() { _ = h.plan.KeyPart() }, func() bool { return true }},
	} {
		if n := testing.AllocsPerRun(200, tc.run); n != 0 {
			t.Errorf("%s: %v allocations", tc.name, n)
		}
		if !tc.done() {
			t.Errorf("%s did nothing", tc.name)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	h := newHot(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(h.request.Query)))
	for b.Loop() {
		if h.cache.Lookup(&h.request) == nil {
			b.Fatal("not found")
		}
	}
}

func BenchmarkLookupParallel(b *testing.B) {
	h := newHot(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if h.cache.Lookup(&h.request) == nil {
				b.Error("not found")
				return
			}
		}
	})
}

func BenchmarkCoerce(b *testing.B) {
	h := newHot(b)
	b.ReportAllocs()
	for b.Loop() {
		if h.plan.Coerce(h.request.Variables, &h.values) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	h := newHot(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(h.response)))
	for b.Loop() {
		h.tags.Reset()
		h.plan.Inspect(h.response, &h.tags)
	}
}

func BenchmarkCost(b *testing.B) {
	h := newHot(b)
	h.plan.Coerce(h.request.Variables, &h.values)
	for b.Loop() {
		h.plan.Cost(&h.values)
	}
}

func BenchmarkBuild(b *testing.B) {
	h := newHot(b)
	document := string(bytes.TrimSpace(h.request.AppendDocument(nil)))
	b.ReportAllocs()
	for b.Loop() {
		Build(h.cache.Schema(), document, "Q", Options{})
	}
}

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/change"
)

func compiled(t *testing.T, text string) (*Static, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(name, []byte("upstream: http://127.0.0.1:1\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, src, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, _, err := Compile(f, src, os.LookupEnv)
	return s, err
}

func TestChangeTopicsAreCompiled(t *testing.T) {
	s, err := compiled(t, `
redis: [127.0.0.1:1]
namespace: shop
kafka: [127.0.0.1:9092]
invalidation:
  topics:
    - name: cdc.public.products
      format: debezium
      tables:
        - {table: products, type: Product, key: id, lists: membership, tags: ["category-{category_id}"]}
        - {table: stock, type: Stock}
    - {name: said, format: json}
`)
	if err != nil {
		t.Fatal(err)
	}
	c := &s.Changes
	if c.Group != "weir-shop" || len(c.Brokers) != 1 || len(c.Topics) != 2 || c.Topics[1].Format != change.Plain {
		t.Errorf("%+v", c)
	}
	if p := c.Topics[0].Tables[0]; p.Type != "Product" || p.Key != "id" || p.Lists != change.Membership || len(p.Tags) != 1 || p.Tags[0].Begin() != "category-" {
		t.Errorf("%+v", p)
	}
	alone, err := compiled(t, "invalidation: {kafka: [\"127.0.0.1:9092\"], topics: [{name: said, format: json}]}")
	if err != nil || alone.Changes.Group != "" {
		t.Errorf("without Redis: %v %+v", err, alone)
	}
}

func TestBadChangeTopicsAreRefusedWithTheCure(t *testing.T) {
	topic := func(t string) string { return "invalidation: {kafka: [\"127.0.0.1:9092\"], topics: [" + t + "]}" }
	table := func(t string) string { return topic("{name: a, format: debezium, tables: [" + t + "]}") }
	for text, want := range map[string]string{
		"invalidation: {kafka: [\"127.0.0.1:9092\"]}":                                           "invalidation.topics: is empty",
		"invalidation: {topics: [{name: a, format: json}]}":                                     "invalidation.kafka: is empty",
		"invalidation: {kafka: [x], topics: [{name: a, format: json}]}":                         "no address",
		"cache: \"off\"\n" + topic("{name: a, format: json}"):                                   "the cache is off",
		"invalidation: {kafka: [\"127.0.0.1:1\"], group: g, topics: [{name: a, format: json}]}": "is for a fleet that shares redis",
		topic("{format: json}"):                                         "topics[0].name: is missing",
		topic("{name: a, format: json}, {name: a, format: json}"):       "given twice",
		topic("{name: a, format: avro}"):                                "is not one of debezium, json",
		topic("{name: a, format: debezium}"):                            "tables: is empty",
		topic("{name: a, format: json, tables: [{table: a, type: A}]}"): "is for format: debezium",
		topic("{name: a, format: json, x: 1}"):                          "unknown field",
		table("{type: A}"):                                              "names",
		table("{table: a}"):                                             "maps to nothing",
		table("{table: a, type: A}, {table: a, type: B}"):               "given twice",
		table("{table: a, type: \"A:1\"}"):                              "no name of a GraphQL type",
		table("{table: a, tags: [b], key: id}"):                         "type: is missing",
		table("{table: a, type: A, lists: some}"):                       "is not one of always, membership, never",
		table("{table: a, tags: [\"a{\"]}"):                             "without a }",
		table("{table: a, tags: [\"{id}\"]}"):                           "begins with a place",
		table("{table: a, tags: [\"@op:x\"]}"):                          "no tag of yours",
	} {
		if _, err := compiled(t, text); err == nil || want != "names" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

package config

import (
	"fmt"
	"strings"

	"github.com/weirproxy/weir/proxy/internal/change"
)

// ChangeFeeds is where invalidations come from beside HTTP, commands and mutations.
type ChangeFeeds struct {
	Kafka  List          `yaml:"kafka" json:"kafka,omitempty" jsonschema:"description=HOST:PORT of the brokers that have the topics; default: kafka"`
	Group  string        `yaml:"group" json:"group,omitempty" jsonschema:"description=Consumer group of the fleet; default weir- and the namespace. Without Redis there is none: each sidecar reads everything"`
	Topics []ChangeTopic `yaml:"topics" json:"topics,omitempty" jsonschema:"description=Topics whose records say what has changed"`
}

// ChangeTopic is a topic and what its records mean.
type ChangeTopic struct {
	Name   string        `yaml:"name" json:"name,omitempty" jsonschema:"description=Name of the Kafka topic"`
	Format string        `yaml:"format" json:"format,omitempty" jsonschema:"enum=debezium,enum=json,description=debezium: change data capture in JSON; json: bodies of POST /cache/invalidate. Both also inside a CloudEvent"`
	Tables []ChangeTable `yaml:"tables" json:"tables,omitempty" jsonschema:"description=With debezium: what the rows of each table are; other tables are counted and ignored"`
}

// ChangeTable maps the rows of a table.
type ChangeTable struct {
	Table string   `yaml:"table" json:"table,omitempty" jsonschema:"description=Name as table\\, schema.table\\, database.table or database.schema.table"`
	Type  string   `yaml:"type" json:"type,omitempty" jsonschema:"description=GraphQL type of the rows; a change invalidates Type:key and list:Type"`
	Key   string   `yaml:"key" json:"key,omitempty" jsonschema:"description=Column of the entity's key; default: the key of the Kafka record"`
	Lists string   `yaml:"lists" json:"lists,omitempty" jsonschema:"enum=always,enum=membership,enum=never,description=Which changes invalidate lists of the type: all\\, rows that are new or gone\\, or none; default always"`
	Tags  []string `yaml:"tags" json:"tags,omitempty" jsonschema:"description=More tags\\, with places for columns: category-{category_id} (before and after the change) or {before.x} or {after.x}"`
}

// compileChanges checks the part and returns the topics.
func compileChanges(d *document, f *File) (brokers []string, group string, topics []change.Topic) {
	c := &f.Invalidation
	if len(c.Topics) == 0 {
		if len(c.Kafka) > 0 || c.Group != "" {
			d.addf("invalidation.topics", "is empty; name the topics that say what has changed, or remove invalidation")
		}
		return nil, "", nil
	}
	brokers, group = c.Kafka, c.Group
	for i, a := range c.Kafka {
		checkAddress(d, fmt.Sprintf("invalidation.kafka[%d]", i), a)
	}
	if len(brokers) == 0 {
		brokers = f.Kafka
	}
	switch {
	case len(brokers) == 0:
		d.addf("invalidation.kafka", "is empty; give the brokers that have the topics, for instance [127.0.0.1:9092]")
	case f.Cache == "off":
		d.addf("invalidation", "has topics, and the cache is off; remove one of them")
	case len(f.Redis) == 0 && group != "":
		d.addf("invalidation.group", "is for a fleet that shares redis; remove it, then each sidecar reads everything, or set redis")
	case len(f.Redis) > 0 && group == "":
		group = "weir-" + f.Namespace
	}
	seen := map[string]bool{}
	for i := range c.Topics {
		at := fmt.Sprintf("invalidation.topics[%d]", i)
		t := &c.Topics[i]
		switch {
		case t.Name == "":
			d.addf(at+".name", "is missing; name the Kafka topic")
		case seen[t.Name]:
			d.addf(at+".name", "%q is given twice; put its tables under one", t.Name)
		}
		seen[t.Name] = true
		topics = append(topics, compileTopic(d, at, t))
	}
	return brokers, group, topics
}

func compileTopic(d *document, at string, t *ChangeTopic) change.Topic {
	out := change.Topic{Name: t.Name}
	switch t.Format {
	case "debezium":
		if len(t.Tables) == 0 {
			d.addf(at+".tables", "is empty; say what the rows of a table are, for instance [{table: products, type: Product, key: id}]")
		}
	case "json":
		out.Format = change.Plain
		if len(t.Tables) > 0 {
			d.addf(at+".tables", "is for format: debezium; records in json name tags and types themselves")
		}
	default:
		oneOf(d, at+".format", t.Format, "debezium", "json")
	}
	seen := map[string]bool{}
	for i := range t.Tables {
		r := &t.Tables[i]
		path := fmt.Sprintf("%s.tables[%d]", at, i)
		switch {
		case r.Table == "":
			d.addf(path+".table", "is missing; name the table")
		case seen[r.Table]:
			d.addf(path+".table", "%q is given twice", r.Table)
		case r.Type == "" && len(r.Tags) == 0:
			d.addf(path, "maps to nothing; give type or tags")
		case r.Type == "" && (r.Key != "" || r.Lists != ""):
			d.addf(path+".type", "is missing; key and lists are of a type")
		case strings.ContainsAny(r.Type, ":*{ "):
			d.addf(path+".type", "%q is no name of a GraphQL type", r.Type)
		}
		seen[r.Table] = true
		out.Tables = append(out.Tables, compileTable(d, path, r))
	}
	return out
}

func compileTable(d *document, path string, r *ChangeTable) change.Table {
	out := change.Table{Name: r.Table, Type: r.Type, Key: r.Key}
	switch r.Lists {
	case "", "always":
	case "membership":
		out.Lists = change.Membership
	case "never":
		out.Lists = change.Never
	default:
		oneOf(d, path+".lists", r.Lists, "always", "membership", "never")
	}
	for i, text := range r.Tags {
		tag, err := change.ParseTemplate(text)
		at := fmt.Sprintf("%s.tags[%d]", path, i)
		switch {
		case err != nil:
			d.addf(at, "%v", err)
		case text == "" || strings.HasPrefix(text, "@"):
			d.addf(at, "%q is no tag of yours; begin with text that is not @", text)
		case tag.Begin() == "":
			d.addf(at, "%q begins with a place; begin with text, so that a table that is emptied does not name everything", text)
		default:
			out.Tags = append(out.Tags, tag)
		}
	}
	return out
}

package change

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/telemetry/changes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func template(t testing.TB, text string) Template {
	t.Helper()
	p, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shop(t testing.TB) *Topic {
	return &Topic{Name: "cdc.public.products", Tables: []Table{
		{Name: "products", Type: "Product", Key: "id", Tags: []Template{template(t, "category-{category_id}")}},
		{Name: "stock", Type: "Stock", Key: "id", Lists: Membership},
		{Name: "audit.notes", Tags: []Template{template(t, "notes"), template(t, "old-{before.x}")}},
	}}
}

func plain(body []byte) (cache.Invalidation, string) {
	var r struct {
		Tags, Prefixes []string
		Soft, All      bool
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return cache.Invalidation{}, err.Error()
	}
	if len(r.Tags)+len(r.Prefixes) == 0 && !r.All {
		return cache.Invalidation{}, "names nothing"
	}
	return cache.Invalidation{Tags: r.Tags, Prefixes: r.Prefixes, Soft: r.Soft, All: r.All}, ""
}

func show(list []cache.Invalidation) string {
	var parts []string
	for _, inv := range list {
		parts = append(parts, inv.Tags...)
		for _, p := range inv.Prefixes {
			parts = append(parts, p+"*")
		}
		if inv.All {
			parts = append(parts, "ALL")
		}
		if inv.Soft {
			parts = append(parts, "soft")
		}
	}
	return strings.Join(parts, " ")
}

const products = `"source":{"db":"shop","schema":"public","table":"products","ts_ms":1700000000000}`

func TestWhatAChangeOfARowNames(t *testing.T) {
	for _, c := range []struct{ what, key, value, want string }{
		{"create", `{"id":5}`, `{"op":"c","before":null,"after":{"id":5,"category_id":7},` + products + `}`, "Product:5 category-7 list:Product"},
		{"update moves it", `{"id":5}`, `{"op":"u","before":{"id":5,"category_id":7},"after":{"id":5,"category_id":8},` + products + `}`, "Product:5 category-7 category-8 list:Product"},
		{"delete", `{"id":5}`, `{"op":"d","before":{"id":5,"category_id":7},"after":null,` + products + `}`, "Product:5 category-7 list:Product"},
		{"the key changed", ``, `{"op":"u","before":{"id":5},"after":{"id":6},` + products + `}`, "Product:5 Product:6 list:Product"},
		{"snapshot", `{"id":5}`, `{"op":"r","after":{"id":5},` + products + `}`, "Product:5 list:Product"},
		{"truncate", ``, `{"op":"t",` + products + `}`, "Product list:Product category-*"},
		{"truncate, whatever the key says", `{"id":5}`, `{"op":"t",` + products + `}`, "Product list:Product category-*"},
		{"with its schema", `{"schema":{},"payload":{"id":5}}`, `{"schema":{"type":"struct"},"payload":{"op":"c","after":{"id":5},` + products + `}}`, "Product:5 list:Product"},
		{"text and large keys", ``, `{"op":"u","before":{"id":"a b"},"after":{"id":12345678901234567890},` + products + `}`, "Product:12345678901234567890 Product:a b list:Product"},
		{"no key anywhere: the type", ``, `{"op":"u","after":{"name":"x"},` + products + `}`, "Product list:Product"},
		{"key of the record only", `{"id":5}`, `{"op":"u","after":{"name":"x"},` + products + `}`, "Product:5 list:Product"},
		{"a tombstone after a delete", `{"id":5}`, ``, "Product:5 list:Product category-*"},
		{"a tombstone with a schema", `{"schema":{},"payload":{"id":5}}`, `null`, "Product:5 list:Product category-*"},
		{"update, lists by membership", ``, `{"op":"u","before":{"id":1},"after":{"id":1},"source":{"table":"stock"}}`, "Stock:1"},
		{"create, lists by membership", ``, `{"op":"c","after":{"id":1},"source":{"table":"stock"}}`, "Stock:1 list:Stock"},
		{"by schema and table, tags only", ``, `{"op":"u","before":{"x":"1"},"after":{"x":"2"},"source":{"schema":"audit","table":"notes"}}`, "notes old-1"},
		{"inside a CloudEvent", `{"id":5}`, `{"specversion":"1.0","data":{"payload":{"op":"c","after":{"id":5},` + products + `}}}`, "Product:5 list:Product"},
		{"a value larger than is read: its key", `{"id":5}`, `{"op":"u","after":{"id":5,"x":"` + strings.Repeat("x", maxValue) + `"}}`, "Product:5 list:Product category-*"},
	} {
		t.Run(c.what, func(t *testing.T) {
			var b Batch
			what, _, err := Read(shop(t), plain, &changes.Record{Key: []byte(c.key), Value: []byte(c.value)}, &b)
			if got := show(b.Pieces()); what != Obeyed || err != nil || got != c.want {
				t.Errorf("%s %v: %s, want %s", Names[what], err, got, c.want)
			}
		})
	}
}

func TestWhatCannotBeObeyedIsNamed(t *testing.T) {
	for _, c := range []struct {
		value string
		want  Outcome
	}{
		{`{"op":"u","after":{"id":1},"source":{"table":"other"}}`, UnknownTable},
		{`{"op":"m","source":{"table":"products"}}`, Ignored},
		{`{"op":"x","source":{"table":"products"}}`, Poison},
		{`{"id":1,"name":"flat"}`, Poison},
		{`{"op":"u","after":7}`, Poison},
		{`[]`, Poison},
		{`"text"`, Poison},
		{"\x00\x00\x00\x00\x01avro", Poison},
		{`{"specversion":"1.0"}`, Poison},
	} {
		var b Batch
		what, _, err := Read(shop(t), plain, &changes.Record{Value: []byte(c.value)}, &b)
		if what != c.want || (err != nil) != (c.want == Poison) || len(b.Pieces()) != 0 {
			t.Errorf("%s: %s %v %s", c.value, Names[what], err, show(b.Pieces()))
		}
	}
}

func TestPlainInvalidationsAlsoInsideCloudEvents(t *testing.T) {
	topic := &Topic{Format: Plain}
	body := `{"tags":["City:5"],"prefixes":["Query."]}`
	for _, c := range []struct{ what, kind, value, want string }{
		{"plain", "", body, "City:5 Query.*"},
		{"event", "", `{"specversion":"1.0","id":"1","data":` + body + `}`, "City:5 Query.*"},
		{"event by its type", "application/cloudevents+json; charset=UTF-8", `{"data":` + body + `}`, "City:5 Query.*"},
		{"event in base64", "", `{"specversion":"1.0","data_base64":"` + base64.StdEncoding.EncodeToString([]byte(body)) + `"}`, "City:5 Query.*"},
		{"binary mode", "application/json", body, "City:5 Query.*"},
		{"soft", "", `{"tags":["a"],"soft":true}`, "a soft"},
		{"everything", "", `{"all":true}`, "ALL"},
		{"empty", "", ``, ""},
		{"names nothing", "", `{}`, "unreadable"},
		{"batch of events", "application/cloudevents-batch+json", `[]`, "unreadable"},
		{"bad base64", "", `{"specversion":"1.0","data_base64":"?"}`, "unreadable"},
		{"too big", "", `{"tags":["` + strings.Repeat("x", maxValue) + `"]}`, "too_big"},
	} {
		var b Batch
		what, _, err := Read(topic, plain, &changes.Record{Value: []byte(c.value), ContentType: c.kind}, &b)
		got := show(b.Pieces())
		if err != nil {
			got = Names[what]
		}
		if got != c.want {
			t.Errorf("%s: %q %v, want %q", c.what, got, err, c.want)
		}
	}
}

func TestAStormIsFewBoundedPieces(t *testing.T) {
	var b Batch
	topic := shop(t)
	for i := range 20_000 {
		value := fmt.Sprintf(`{"op":"u","after":{"id":%d,"category_id":%d},%s}`, i, i, products)
		if what, _, err := Read(topic, plain, &changes.Record{Value: []byte(value)}, &b); what != Obeyed {
			t.Fatal(err)
		}
	}
	list := b.Pieces()
	if len(list) != 6 || !slices.Contains(list[0].Tags, "Product") {
		t.Errorf("%d pieces", len(list))
	}
	for _, inv := range list {
		if len(inv.Tags) > maxPiece {
			t.Errorf("%d tags in one record of the log", len(inv.Tags))
		}
	}
	for i := range 2 * maxPrefixes {
		b.prefix(fmt.Sprint("p", i))
	}
	if list = b.Pieces(); len(list) != 1 || !list[0].All {
		t.Errorf("too many prefixes: %s", show(list))
	}
}

func TestFeedCountsAndComplainsOnceAMinute(t *testing.T) {
	now := time.UnixMilli(1700000003000)
	var log bytes.Buffer
	var got []cache.Invalidation
	fails := 1
	f := New(Config{
		Topics: []Topic{*shop(t), {Name: "plain", Format: Plain}}, Parse: plain, Now: func() time.Time { return now },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Invalidate: func(_ context.Context, inv cache.Invalidation) error {
			if fails--; fails >= 0 {
				return errors.New("away")
			}
			got = append(got, inv)
			return nil
		},
	})
	records := []changes.Record{
		{Topic: "cdc.public.products", Value: []byte(`{"op":"c","after":{"id":5},` + products + `}`)},
		{Topic: "cdc.public.products", Value: []byte(`secret`)},
		{Topic: "cdc.public.products", Value: []byte(`secret too`)},
		{Topic: "plain", Value: []byte(`{"tags":["a"]}`), Time: now.Add(-time.Second)},
		{Topic: "another", Value: []byte(`?`)},
	}
	if f.Obey(t.Context(), records) == nil || f.Stats()["plain"].Records[Obeyed] != 0 {
		t.Error("what the log does not have counts as obeyed")
	}
	if err := f.Obey(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	st := f.Stats()
	if s := st["cdc.public.products"]; s.Records[Obeyed] != 1 || s.Records[Poison] != 2 || s.Lag != 3*time.Second {
		t.Errorf("%+v", s)
	}
	if s := st["plain"]; s.Records[Obeyed] != 1 || s.Lag != time.Second {
		t.Errorf("%+v", s)
	}
	if show(got) != "Product:5 a list:Product" {
		t.Errorf("%s", show(got))
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || strings.Contains(log.String(), "secret") {
		t.Errorf("%d lines: %s", n, log.String())
	}
	now = now.Add(2 * time.Minute)
	_ = f.Obey(t.Context(), records)
	if n := strings.Count(log.String(), "level=WARN"); n != 2 {
		t.Errorf("%d lines after two minutes", n)
	}
	got = nil
	if err := f.Lost(t.Context(), "plain"); err != nil || show(got) != "ALL" {
		t.Errorf("%v %s", err, show(got))
	}
}

func TestTemplates(t *testing.T) {
	for _, bad := range []string{"a{", "a}", "{}", "{before.}", "{a b}", "a{b"} {
		if _, err := ParseTemplate(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	x := template(t, "a{x}b{after.y}c")
	if got, ok := x.fill(row{"x": json.RawMessage(`1`), "y": json.RawMessage(`"z"`)}, false); got != "a1bzc" || !ok {
		t.Errorf("%q", got)
	}
	if _, ok := x.fill(row{"x": json.RawMessage(`1`), "y": json.RawMessage(`null`)}, false); ok {
		t.Error("null has a text")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"id":5}`), []byte(`{"op":"u","before":{"id":5},"after":{"id":6},`+products+`}`), "", false)
	f.Add([]byte(`{"schema":{},"payload":{"id":5}}`), []byte(`{"schema":{},"payload":{"op":"d","before":{"id":[1]}}}`), "", false)
	f.Add([]byte(``), []byte(`{"specversion":"1.0","data":{"tags":["a"]}}`), "application/cloudevents+json", true)
	f.Fuzz(func(t *testing.T, key, value []byte, kind string, isPlain bool) {
		topic := shop(t)
		if isPlain {
			topic = &Topic{Format: Plain}
		}
		var b Batch
		what, _, err := Read(topic, plain, &changes.Record{Key: key, Value: value, ContentType: kind}, &b)
		list := b.Pieces()
		if bad := what == Poison || what == TooBig; bad != (err != nil) {
			t.Errorf("%s with %v", Names[what], err)
		}
		if (what == Obeyed) != (len(list) > 0) {
			t.Errorf("%s names %s", Names[what], show(list))
		}
		if err != nil && len(err.Error()) > 2*maxReason+64 {
			t.Errorf("a reason of %d bytes", len(err.Error()))
		}
		if isPlain {
			return
		}
		for _, inv := range list {
			for _, tag := range inv.Tags {
				if len(tag) > maxTag || tag == "" {
					t.Errorf("tag %q", tag)
				}
			}
		}
	})
}

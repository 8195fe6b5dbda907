package proxy

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/telemetry/event"
)

func TestUsageIsToldInIntervals(t *testing.T) {
	var schema, fields strings.Builder
	for i := range usageFields + 1 {
		name := "f" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		schema.WriteString(name + ": Int ")
		fields.WriteString(name + " ")
	}
	s, err := planner.ParseSchema("s", "type Query { "+schema.String()+"}")
	if err != nil {
		t.Fatal(err)
	}
	big := planner.Build(s, "{ "+fields.String()+"}", "", planner.Options{})
	if n := len(big.Fields()); n != usageFields+1 {
		t.Fatal(n, big.Errors())
	}
	synctest.Test(t, func(t *testing.T) {
		var told []event.Usage
		u := newFieldUsage(time.Minute, true, true, func(e *event.Usage) { told = append(told, *e) })
		ctx, stop := context.WithCancel(t.Context())
		go u.run(ctx)
		u.table().Count("web", big)
		u.mu.Lock()
		u.take() // as a scrape does: the events have it all the same
		u.mu.Unlock()
		u.table().Count("web", big)
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if len(told) != 2 || told[0].Operations != 2 || len(told[0].Fields) != usageFields || told[0].Fields[0].Count != 2 ||
			told[1].Part != 1 || told[1].Operations != 0 || len(told[1].Fields) != 1 || told[0].From != "2000-01-01T00:00:00.000000Z" || told[0].To != "2000-01-01T00:01:00.000000Z" {
			t.Errorf("%d events: %.300v", len(told), told)
		}
		u.table().Count("app", big)
		stop()
		synctest.Wait()
		if u.report(); len(told) != 4 || told[2].Client != "app" || told[2].From != told[0].To {
			t.Errorf("%d events", len(told))
		}
	})
	if newFieldUsage(0, true, false, nil) != nil || newFieldUsage(time.Minute, false, false, nil).table() != nil {
		t.Error("it is counted for nobody")
	}
}

// The fields of the metrics are bounded, and those beyond are counted together.
func TestFieldsInMetricsAreBounded(t *testing.T) {
	u := newFieldUsage(0, true, true, nil)
	for i := range usageSeries + 2 {
		u.add([]event.FieldUsage{{Type: "T", Field: strings.Repeat("x", i+1), Count: 2}, {Type: "T", Field: "x", Count: 1}})
	}
	if len(u.fields) != usageSeries || u.others != 4 || u.fields[planner.Field{Type: "T", Name: "x"}] != 2+usageSeries+2 {
		t.Errorf("%d fields, %d of others", len(u.fields), u.others)
	}
}

// Without Kafka the metrics tell which fields are in use.
func TestFieldUsageIsInTheMetrics(t *testing.T) {
	r := fetching(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data":{"n":1}}`)) }, func(f *config.File) { f.UsageMetrics = true })
	for range 3 {
		_, _ = do(t, r.address, http.MethodPost, "/graphql", `{"query":"{ n m: n }"}`)
	}
	eventually(t, "all are counted", func() bool { return r.metric(`weir_schema_field_usage_total{field="n",type="Query"}`) == 3 })
	if n := r.metric("weir_schema_field_usage_others_total"); n != 0 {
		t.Error(n)
	}
}

func TestUsageOfRequestsIsCounted(t *testing.T) {
	r := fetching(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data":{"n":1}}`)) }, func(f *config.File) {
		f.Kafka = []string{"127.0.0.1:1"} // nobody is there: requests do not care
	})
	for _, document := range []string{`{ n }`, `{ n }`, `{ missing }`} {
		_, _ = do(t, r.address, http.MethodPost, "/graphql", `{"query":"`+document+`"}`)
	}
	eventually(t, "both operations are counted", func() bool { return r.metric("weir_schema_usage_operations_total") == 2 })
}

package proxy

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/serve"
	"github.com/weirproxy/weir/proxy/internal/socket"
	"github.com/weirproxy/weir/telemetry"
)

// TestEveryFactIsAMetric gives each field of a room's facts a number of its own, or a truth, and wants it among the samples: a field that somebody adds later
// is found missing here.
func TestEveryFactIsAMetric(t *testing.T) {
	for _, c := range []struct {
		facts   any
		collect func(telemetry.Set, any)
		hidden  string // fields that are no metric of their own
	}{
		{serve.Stats{}, func(set telemetry.Set, v any) { collectConnections(set, v.(serve.Stats)) }, ""},
		{line.Stats{}, func(set telemetry.Set, v any) { collectLine(set, v.(line.Stats)) }, ""},
		{socket.Stats{}, func(set telemetry.Set, v any) { collectSockets(set, v.(socket.Stats)) }, ""},
		{planner.CacheStats{}, func(set telemetry.Set, v any) { collectPlans(set, v.(planner.CacheStats)) }, ""},
		{cache.Stats{Shared: true}, func(set telemetry.Set, v any) { collectCache(set, v.(cache.Stats)) }, "Shared Seq"},
		{agent.Status{}, func(set telemetry.Set, v any) { collectAgent(set, v.(agent.Status)) }, "Hash Source LastNack LastError"},
	} {
		kind := reflect.TypeOf(c.facts)
		for i := range kind.NumField() {
			field := kind.Field(i)
			if strings.Contains(" "+c.hidden+" ", " "+field.Name+" ") {
				continue
			}
			v := reflect.New(kind).Elem()
			v.Set(reflect.ValueOf(c.facts))
			before := samples(t, c.collect, v.Interface())
			set(t, v.Field(i))
			if samples(t, c.collect, v.Interface()) == before {
				t.Errorf("%s.%s changes no metric", kind, field.Name)
			}
		}
	}
}

// set gives a field a value that nothing else has.
func set(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Interface().(type) {
	case bool:
		v.SetBool(true)
	case uint64:
		v.SetUint(4711)
	case int, int64, time.Duration:
		v.SetInt(4711)
	case float64:
		v.SetFloat(4711)
	case string:
		v.SetString("open")
	case []string:
		v.Set(reflect.ValueOf([]string{"one"}))
	case map[string]uint64:
		v.Set(reflect.ValueOf(map[string]uint64{"one": 4711}))
	case cache.Times:
		v.Set(reflect.ValueOf(cache.Times{Bounds: []time.Duration{1}, UpTo: []uint64{1, 4711}, Sum: 1}))
	case cache.Position:
		v.Set(reflect.ValueOf(cache.Position{MS: 4711}))
	default:
		t.Fatalf("a field of %s: say how the test sets it", v.Type())
	}
}

// samples is everything that collect gives, in the text format. A name or label that Prometheus refuses fails the test.
func samples(t *testing.T, collect func(telemetry.Set, any), facts any) string {
	t.Helper()
	tel, err := telemetry.New(telemetry.Config{Identity: telemetry.Identity{Service: "test", Instance: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	defer tel.Close(t.Context())
	tel.Registry().Pull(func(s telemetry.Set) { collect(s, facts) })
	var text bytes.Buffer
	if err := tel.Registry().WriteText(&text); err != nil {
		t.Fatal(fmt.Errorf("%T: %w", facts, err))
	}
	var own strings.Builder
	for l := range strings.Lines(text.String()) {
		if strings.HasPrefix(l, "weir_") {
			own.WriteString(l)
		}
	}
	return own.String()
}

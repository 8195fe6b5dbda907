package telemetry

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weirproxy/weir/telemetry/event"
)

func FuzzEvent(f *testing.F) {
	f.Add("Op", "web", "acme", int64(5), int64(-1))
	f.Add("a\"\\\x00", "\xff", "\u2028", int64(1<<62), int64(0))
	tel, err := New(Config{Sink: func([]byte) {}, Identity: Identity{Service: "s", Instance: "i"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, operation, client, tenant string, bytes, worth int64) {
		r := &Record{
			Start: 1e18, End: 1e18 + bytes%1e9, Operation: operation, Client: client, Tenant: tenant, CacheStatus: Hit, Worth: worth,
			Quantities: event.Quantities{BytesIn: bytes}, CacheKey: uint64(worth), from: tel, seq: 7,
		}
		tel.Price(r)
		var e event.Envelope[event.Cost]
		d := json.NewDecoder(strings.NewReader(string(r.Append(nil))))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%v in %s", err, r.Append(nil))
		}
		name := ""
		if worth != 0 {
			name = fmt.Sprintf("%016x", uint64(worth))
		}
		if e.Data.Metadata["cache_key"] != name {
			t.Errorf("metadata %v, want %q", e.Data.Metadata, name)
		}
		if strings.HasPrefix(e.Data.CostAmount, "-") || strings.HasPrefix(e.Data.SavedAmount, "-") {
			t.Errorf("negative money: %s, %s", e.Data.CostAmount, e.Data.SavedAmount)
		}
		for _, pair := range [][2]string{{operation, e.Data.Operation}, {client, e.Data.Client}, {tenant, e.Data.Tenant}} {
			var want string
			text, _ := json.Marshal(pair[0])
			_ = json.Unmarshal(text, &want)
			if pair[1] != want {
				t.Errorf("%q became %q, encoding/json makes %q", pair[0], pair[1], want)
			}
		}
	})
}

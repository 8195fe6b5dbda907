package telemetry

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/weirproxy/weir/telemetry/event"
)

// The bytes of an event, member by member: whoever reads them by position or pattern would notice.
func TestEventIsTheSameByteByByte(t *testing.T) {
	for _, binary := range []bool{false, true} {
		tel, err := New(Config{Sink: func([]byte) {}, Binary: binary, Identity: Identity{Service: "s\"1", Region: "eu", Instance: "i\\2", Environment: "e"}})
		if err != nil {
			t.Fatal(err)
		}
		tel.identity = newIdentity(&tel.cfg, "boot")
		r := &Record{
			Start: 1_800_000_000_000_000_000, End: 1_800_000_000_123_456_789, Operation: "Op", OperationHash: [16]byte{1, 15: 0xfe}, Kind: 1, Client: "web", Tenant: "a\x01",
			Code: "X", Status: 200, Errors: 3, CacheStatus: Stale, CacheKey: 0xabc, TraceID: [16]byte{0x80}, Score: 0.12345, Cost: 1_000_000_000_001, Saved: -7, from: tel, seq: 42,
			Quantities: event.Quantities{ProxyCPUUS: 1, UpstreamUS: 22, Fetches: 333, BytesIn: 4444, BytesOut: -5, CacheOps: 0, Points: 1 << 62}, book: BuiltinPriceBook(),
		}
		data := `{"event_id":"i\\2-boot-42","timestamp":"2027-01-15T08:00:00.123456Z","schema_version":"` + event.SchemaVersion + `","event_type":"` + event.CostType +
			`","service":"s\"1","region":"eu","resource_id":"","business_unit":"","project_id":"","environment":"e","tenant":"a\u0001","client":"web","operation":"Op",` +
			`"operation_hash":"010000000000000000000000000000fe","operation_kind":"query","cost_amount":"1.000000000001","saved_amount":"-0.000000000007",` +
			`"currency":"USD","price_book_version":"` + r.book.Version + `","quantities":{"proxy_cpu_us":1,"upstream_us":22,"fetches":333,"bytes_in":4444,"bytes_out":-5,` +
			`"cache_ops":0,"points":4611686018427387904},"cache_status":"stale","status":200,"code":"X","errors":3,"anomaly_score":0.1235,"latency_us":123456,` +
			`"trace_id":"80000000000000000000000000000000","metadata":{"cache_key":"0000000000000abc"}}`
		want := `{"specversion":"1.0","id":"i\\2-boot-42","source":"/weir/s\"1/i\\2","type":"` + event.CostType +
			`","time":"2027-01-15T08:00:00.123456Z","datacontenttype":"application/json","data":` + data + `}`
		if binary {
			want = data
		}
		if got := string(r.Append(nil)); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestScoresAreThoseOfPackageStrconv(t *testing.T) {
	check := func(v float32) {
		if got, want := string(appendScore(nil, v)), strconv.FormatFloat(float64(v), 'f', 4, 32); got != want {
			t.Fatalf("%v: %s, want %s", v, got, want)
		}
	}
	for _, v := range []float32{0, 1, 0.5, 0.00005, 0.03125, 0.99995, 0.999949, 2, -1, float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32} {
		check(v)
	}
	for i := range 16_384 { // the halves between two values that can be written are among these
		check(float32(i) / 16_384)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 200_000 {
		check(r.Float32())
		check(math.Float32frombits(r.Uint32()))
	}
}

func BenchmarkEvent(b *testing.B) {
	tel, err := New(Config{Sink: func([]byte) {}, Identity: Identity{Service: "compare", Instance: "weir-hit-kafka"}})
	if err != nil {
		b.Fatal(err)
	}
	r := record(tel, 1)
	r.from, r.OperationHash = tel, [16]byte{1}
	tel.Price(r)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		r.End += 1000
		r.seq++
		dst = r.Append(dst[:0])
	}
	b.SetBytes(int64(len(dst)))
}

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
			Quantities: event.Quantities{BytesIn: bytes}, CacheKey: uint64(worth), Subgraphs: []event.Subgraph{{Name: tenant, Fetches: 2, Shared: 3, US: bytes}, {Name: client, BytesSent: 1, BytesReceived: worth, Points: 9}}, from: tel, seq: 7,
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
		if s := e.Data.Subgraphs; len(s) != 2 || s[0].Fetches != 2 || s[0].Shared != 3 || s[0].US != bytes || s[1].BytesSent != 1 || s[1].BytesReceived != worth || s[1].Points != 9 {
			t.Errorf("subgraphs %+v", s)
		}
		if strings.HasPrefix(e.Data.CostAmount, "-") || strings.HasPrefix(e.Data.SavedAmount, "-") {
			t.Errorf("negative money: %s, %s", e.Data.CostAmount, e.Data.SavedAmount)
		}
		for _, pair := range [][2]string{{operation, e.Data.Operation}, {client, e.Data.Client}, {tenant, e.Data.Tenant}, {tenant, e.Data.Subgraphs[0].Name}} {
			var want string
			text, _ := json.Marshal(pair[0])
			_ = json.Unmarshal(text, &want)
			if pair[1] != want {
				t.Errorf("%q became %q, encoding/json makes %q", pair[0], pair[1], want)
			}
		}
	})
}

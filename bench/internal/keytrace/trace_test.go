package keytrace

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/weirproxy/weir/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const second = int64(time.Second)

const eventsText = `{"specversion":"1.0","type":"weir.cost.v1","data":{"event_type":"weir.cost.v1","event_id":"a-1","timestamp":"2026-05-04T12:00:01Z","operation":"City","operation_hash":"h","operation_kind":"query","cost_amount":"0.000002","saved_amount":"0","cache_status":"miss","status":200,"latency_us":1000000,"quantities":{"bytes_out":100,"upstream_us":7000},"metadata":{"cache_key":"00ff"}}}
{"event_type":"weir.cost.v1","event_id":"a-2","timestamp":"2026-05-04T12:00:03Z","operation":"City","operation_hash":"h","operation_kind":"query","cost_amount":"0.0000001","saved_amount":"0.0000019","cache_status":"hit","status":200,"quantities":{"bytes_out":100},"metadata":{"cache_key":"00ff"}}
{"event_type":"weir.cost.v1","event_id":"a-2","timestamp":"2026-05-04T12:00:03Z","operation":"City","operation_hash":"h","operation_kind":"query","cache_status":"hit","status":200,"quantities":{"bytes_out":100}}
{"event_type":"weir.cost.v1","event_id":"a-3","timestamp":"2026-05-04T12:00:04Z","operation":"City","operation_hash":"h","operation_kind":"query","cache_status":"stale","tenant":"t","quantities":{"bytes_out":200}}
{"event_type":"weir.cost.v1","event_id":"a-4","timestamp":"2026-05-04T12:00:05Z","operation_kind":"mutation","cache_status":"none"}
{"event_type":"weir.cost.v1","event_id":"a-5","timestamp":"2026-05-04T12:00:05Z","operation_kind":"query","cache_status":"miss","errors":1}
{"event_type":"weir.loss.v1"}
broken
`

func TestEventsBecomeUses(t *testing.T) {
	trace, err := Read("events", strings.NewReader(eventsText), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []cache.Use{
		{At: 0, Key: 0, Bytes: 100, FetchMicros: 7000, Worth: 2_000_000},
		{At: 3 * second, Key: 0, Bytes: 100, FetchMicros: 7000, Worth: 2_000_000},
		{At: 4 * second, Key: 1, Bytes: 200, FetchMicros: 7000},
	}
	if !reflect.DeepEqual(trace.Uses, want) || trace.Guessed != 1 || trace.Keys != 2 {
		t.Errorf("%+v, %d guessed, %d keys", trace.Uses, trace.Guessed, trace.Keys)
	}
	if len(trace.Skips) != 5 {
		t.Errorf("left out: %+v", trace.Skips)
	}
}

func TestEventsOfATopicBecomeUses(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "costs"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("costs"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for line := range strings.Lines(eventsText) {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(line)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	trace, err := OpenKafka(t.Context(), cluster.ListenAddrs(), "costs", 0)
	if err != nil || len(trace.Uses) != 3 {
		t.Fatalf("%+v %v", trace, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenKafka(ctx, cluster.ListenAddrs(), "costs", 0); err == nil {
		t.Error("a reading that was given up succeeded")
	}
}

func TestTracesOfKeysAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"words": "# seconds key bytes fetch\n1.5 b 200 30\n0.5 a 100\n2 a 100 5\n",
		"objects": `{"time":"2026-05-04T12:00:00.5Z","key":"a","bytes":100,"fetch_us":0}
{"time":"2026-05-04T12:00:02Z","key":"a","bytes":100,"fetch_us":5}
{"time":"2026-05-04T12:00:01.5Z","key":"b","bytes":200,"fetch_us":30}`,
	} {
		t.Run(name, func(t *testing.T) {
			trace, err := Read(name, strings.NewReader(text), 0)
			if err != nil {
				t.Fatal(err)
			}
			var at []int64
			for i, u := range trace.Uses {
				at = append(at, u.At/1e8)
				if want := []uint32{0, 30, 5}[i]; u.FetchMicros != want || u.Bytes != []int64{100, 200, 100}[i] {
					t.Errorf("%+v", u)
				}
			}
			if !reflect.DeepEqual(at, []int64{0, 10, 15}) || trace.Keys != 2 || trace.Uses[0].Key != trace.Uses[2].Key {
				t.Errorf("%v, %+v", at, trace)
			}
		})
	}
}

func TestTimesToLiveAndMoneyOfATrace(t *testing.T) {
	text := `{"time":1777896000,"key":1,"bytes":1,"ttl":"30s","usd":"0.000000000001"}
{"time":1777896000,"key":"1","bytes":1,"usd":0.5}
{"time":1777896000,"key":1,"bytes":1,"ttl":"soon"}
{"time":1777896000,"key":1,"bytes":-1}
{"time":1777896000,"key":1,"usd":"1e9"}
{"time":"never","key":1}
{"time":1777896000}`
	trace, err := Read("t", strings.NewReader(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(trace.Uses) != 2 || trace.Keys != 2 || trace.Uses[0].Worth != 1 || trace.Uses[1].Worth != 5e11 || len(trace.Skips) != 5 {
		t.Errorf("%+v", trace)
	}
	for ttl, want := range map[time.Duration][]time.Duration{
		0:           {30 * time.Second, time.Minute},
		time.Second: {time.Second, time.Second},
	} {
		var got []time.Duration
		for u := range trace.WithTTL(ttl, time.Minute) {
			got = append(got, u.TTL)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v", ttl, got)
		}
	}
}

func TestOpenUndoesGzipAndTellsWhatIsWrong(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte("0 a 1\n1 a 1\n"))
	_ = z.Close()
	path := filepath.Join(t.TempDir(), "trace.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if trace, err := Open(path, 1); err != nil || len(trace.Uses) != 1 {
		t.Errorf("%+v %v", trace, err)
	}
	for text, want := range map[string]string{
		"":                       "no use of a key was found",
		"a b\n":                  "1 × a line that is not SECONDS KEY BYTES [FETCH_US], first t:1",
		strings.Repeat("x", 2e6): "t:1: a line of more than 1 MiB",
		"\x1f\x8bbad":            "t: ",
	} {
		if _, err := Read("t", strings.NewReader(text), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q: %v, want %q", text, err, want)
		}
	}
	for _, name := range []string{"zipf:", "zipf:x", "zipf:1,kees=3", "zipf:1,keys=0", "zipf:1,keys=1e300", "zipf:1,scan=NaN", "zipf:1,keys", "/no/such/file"} {
		if _, err := Open(name, 0); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestRandomKeysFollowTheirLaw(t *testing.T) {
	trace, err := Open("zipf:1,keys=100,requests=100000,scan=0.25,rate=100", 0)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[uint64]int{}
	for _, u := range trace.Uses {
		counts[u.Key]++
	}
	once := 0
	for key, n := range counts {
		if key >= 100 {
			once += n
		}
	}
	first := float64(counts[0]) / float64(100000-once) // 1/H(100) = 0.193
	if once < 24000 || once > 26000 || first < 0.18 || first > 0.21 || trace.Duration() < 999*time.Second {
		t.Errorf("%d once, %.3f of the rest are the first, %v long", once, first, trace.Duration())
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(eventsText))
	f.Add([]byte("0 a 1\n1 a 1 5\n"))
	f.Add([]byte(`{"time":1777896000,"key":1,"bytes":1,"ttl":"30s","usd":"0.1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		trace, err := Read("fuzz", bytes.NewReader(text), 100)
		if err != nil {
			return
		}
		for i, u := range trace.Uses {
			if u.Bytes < 0 || u.TTL < 0 || u.Worth < 0 || u.Key >= uint64(trace.Keys) || i > 0 && u.At < trace.Uses[i-1].At {
				t.Fatalf("%+v", u)
			}
		}
	})
}

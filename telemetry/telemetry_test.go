package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/event"
)

func newTelemetry(t *testing.T, cfg Config) *Telemetry {
	t.Helper()
	cfg.Identity.Service = "svc"
	if cfg.Identity.Instance == "" {
		cfg.Identity.Instance = "pod"
	}
	tel, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

// run starts tel until the test ends and returns a function that ends it earlier.
func run(t *testing.T, tel *Telemetry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = tel.Run(ctx) })
	stop = func() { cancel(); work.Wait() }
	t.Cleanup(stop)
	return stop
}

func record(tel *Telemetry, i int) *Record {
	return &Record{
		Start: 1e18, End: 1e18 + 5e6, Operation: "Op", OperationHash: [16]byte{1}, Kind: 1, Client: "web", Tenant: "acme", Status: 200,
		CacheStatus: Miss, TraceID: [16]byte{0xab}, Series: tel.Series("Op"),
		Quantities: event.Quantities{Fetches: 1, UpstreamUS: 4000, BytesIn: int64(i), BytesOut: 1000, CacheOps: 2, Points: 7},
	}
}

// startBroker starts a Kafka in this process with the topics of events and of losses. The test closes it, after what produces to it.
func startBroker(t *testing.T) *kfake.Cluster {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, event.CostTopic, event.LossTopic))
	if err != nil {
		t.Fatal(err)
	}
	return broker
}

// eventually waits until the condition holds.
func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the condition did not come true")
		}
	}
}

func TestEventIsWhatTheTypesSay(t *testing.T) {
	for _, hostile := range []string{"", "plain", "a\"b\\c\n\x00", "\xff\xfe", "é\u2028", strings.Repeat("x", 100)} {
		var got []byte
		tel := newTelemetry(t, Config{Sink: func(e []byte) { got = append([]byte(nil), e...) }, Identity: Identity{Instance: "p-1\"", Region: hostile}})
		r := record(tel, 100)
		r.Operation, r.Client, r.Tenant = hostile, hostile, hostile
		tel.Emit(r)
		tel.take()
		var e event.Envelope[event.Cost]
		d := json.NewDecoder(strings.NewReader(string(got)))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		again, _ := json.Marshal(e)
		var a, b any
		_ = json.Unmarshal(again, &a)
		_ = json.Unmarshal(got, &b)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("the encoder and the types differ:\n%s\n%s", got, again)
		}
		want := strings.ToValidUTF8(hostile, "\ufffd")
		if hostile == "\xff\xfe" {
			want = "\ufffd\ufffd"
		}
		c := e.Data
		if c.Operation != want || c.Client != want || c.Region != want || c.Quantities != r.Quantities || c.CacheStatus != "miss" || c.LatencyUS != 5000 {
			t.Errorf("%+v", c)
		}
		if c.EventID != e.ID || c.EventID != fmt.Sprintf("p-1\"-%s-1", tel.boot) || c.TraceID != "ab"+strings.Repeat("0", 30) {
			t.Errorf("id %q, trace %q", c.EventID, c.TraceID)
		}
	}
}

func TestSavedIsWhatTheFillCostBeyondTheHit(t *testing.T) {
	tel := newTelemetry(t, Config{})
	r := record(tel, 1)
	r.Worth = 1 << 40
	tel.Price(r)
	if r.Saved != 0 {
		t.Error("a miss saves")
	}
	for _, s := range []CacheStatus{Hit, Stale, Collapsed, Negative} {
		r.CacheStatus = s
		if tel.Price(r); r.Saved != r.Worth-r.Cost {
			t.Errorf("%s saves %d", s, r.Saved)
		}
	}
	r.Worth = 0
	if tel.Price(r); r.Saved != 0 {
		t.Error("savings are negative")
	}
}

func TestFullRingDropsCountsAndTells(t *testing.T) {
	n := 0
	tel := newTelemetry(t, Config{RingRecords: 64, Sink: func([]byte) { n++ }})
	for i := range 1000 {
		tel.Emit(record(tel, i))
	}
	tel.take()
	s := tel.Stats()
	if s.Dropped["ring_full"] == 0 || s.Emitted != 1000 || s.Queued+s.Dropped["ring_full"] != 1000 || int(s.Acked) != n || uint64(n) != s.Queued {
		t.Errorf("%+v, sink saw %d", s, n)
	}
	told := tel.losses.tell(tel, time.Now())
	var e event.Envelope[event.Loss]
	if len(told) != 1 || json.Unmarshal(told[0].text, &e) != nil || e.Data.Count != s.Dropped["ring_full"] || e.Data.FirstSequence == 0 || e.Data.LastSequence > 1000 {
		t.Errorf("%+v", told)
	}
	if len(tel.losses.tell(tel, time.Now())) != 0 {
		t.Error("a loss is told twice")
	}
	tel.losses.again(told[0])
	tel.losses.add(lossRing, 2000)
	later := tel.losses.tell(tel, time.Now())
	if len(later) != 1 || json.Unmarshal(later[0].text, &e) != nil || e.Data.Count != s.Dropped["ring_full"]+1 || e.Data.LastSequence != 2000 {
		t.Errorf("a loss that could not be told: %+v", later)
	}
}

func consume(t *testing.T, brokers []string, topic string, want int) []event.Cost {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var list []event.Cost
	for len(list) < want && ctx.Err() == nil {
		c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			var e event.Envelope[event.Cost]
			if err := json.Unmarshal(r.Value, &e); err != nil {
				t.Errorf("%v: %s", err, r.Value)
			}
			if string(r.Key) != "svc" {
				t.Errorf("key %q", r.Key)
			}
			list = append(list, e.Data)
		})
	}
	return list
}

func TestEveryEventArrivesOnce(t *testing.T) {
	broker := startBroker(t)
	defer broker.Close()
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs()})
	stop := run(t, tel)
	const n = 5000
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for i := range n / 4 {
				tel.Emit(record(tel, w*n+i))
			}
		})
	}
	work.Wait()
	stop()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := tel.Close(ctx); err != nil {
		t.Fatal(err)
	}
	got := consume(t, broker.ListenAddrs(), event.CostTopic, n)
	seen := map[string]bool{}
	for _, e := range got {
		seen[e.EventID] = true
	}
	if s := tel.Stats(); len(got) != n || len(seen) != n || s.Acked != n {
		t.Errorf("%d events, %d ids, %+v", len(got), len(seen), s)
	}
}

func TestBrokerThatComesLateGetsWhatWaited(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, event.CostTopic, event.LossTopic))
	if err != nil {
		t.Fatal(err)
	}
	address := broker.ListenAddrs()
	broker.Close()
	var port int
	if _, err := fmt.Sscanf(address[0][strings.LastIndexByte(address[0], ':')+1:], "%d", &port); err != nil {
		t.Fatal(err)
	}
	tel := newTelemetry(t, Config{Brokers: address})
	stop := run(t, tel)
	for i := range 100 {
		tel.Emit(record(tel, i))
	}
	eventually(t, func() bool { return !tel.Stats().Connected })
	broker, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(1, event.CostTopic, event.LossTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	eventually(t, func() bool { return tel.Stats().Acked == 100 })
	if !tel.Stats().Connected {
		t.Error("the state was not updated")
	}
	stop()
	_ = tel.Close(context.Background())
}

func TestBrokerThatNeverComesDelaysNothing(t *testing.T) {
	tel := newTelemetry(t, Config{Brokers: []string{"127.0.0.1:1"}, RingRecords: 64})
	stop := run(t, tel)
	for i := range 20_000 {
		tel.Emit(record(tel, i))
	}
	stop()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := tel.Close(ctx); err == nil {
		t.Error("Close did not tell that events were left")
	}
	// The client settles what it held in its own time.
	eventually(t, func() bool {
		s, lost := tel.Stats(), uint64(0)
		for _, n := range s.Dropped {
			lost += n
		}
		return s.Acked == 0 && lost == s.Emitted
	})
}

func TestNamesAndSeriesAreBounded(t *testing.T) {
	tel := newTelemetry(t, Config{})
	for i := range 5000 {
		tel.Intern(fmt.Appendf(nil, "client-%d", i))
		tel.Series(fmt.Sprintf("Op%d", i))
	}
	if n := len(tel.names.load()); n != maxInterned {
		t.Errorf("%d names", n)
	}
	if n := len(tel.series.load()); n != maxSeries {
		t.Errorf("%d series", n)
	}
	if tel.Intern([]byte("client-4999")) != "other" || tel.Intern([]byte("client-1")) != "client-1" {
		t.Error("what is beyond the bound")
	}
	if tel.Series("Op4999") != tel.other {
		t.Error("series beyond the bound")
	}
}

func TestMetricsAreReadable(t *testing.T) {
	tel := newTelemetry(t, Config{})
	tel.Registry().Pull(func(s Set) { s.Gauge("weir_test", "A test.", 3, "a", "b") })
	r := record(tel, 1)
	tel.Emit(r)
	tel.Emit(r)
	var b strings.Builder
	if err := tel.Registry().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`weir_operations_total{cache_status="miss",kind="query",operation="Op"} 2`, `weir_test{a="b"} 3`, "weir_events_discarded_total 2",
		`weir_operation_seconds_count{cache_status="miss"} 2`, `weir_anomaly_score{operation="Op"} 0`, "go_goroutines",
		"go_cpu_classes_gc_total_cpu_seconds_total", "go_cpu_classes_total_cpu_seconds_total", "go_gc_cycles_total_gc_cycles_total", "go_gc_heap_live_bytes",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestMetricsOfANameThatIsNotUTF8AreReadable(t *testing.T) {
	tel := newTelemetry(t, Config{})
	r := record(tel, 0)
	r.Series = tel.Series("a\xff\"")
	tel.Emit(r)
	if err := tel.Registry().WriteText(io.Discard); err != nil {
		t.Error(err)
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	tel := newTelemetry(t, Config{Sink: func([]byte) {}})
	r := record(tel, 1)
	client := []byte("web")
	for range 4 { // both buffers of each shard grow to their size
		for range 512 {
			tel.Emit(r)
		}
		tel.take()
	}
	tel.Intern(client)
	for name, f := range map[string]func(){
		"Emit":   func() { tel.Emit(r) },
		"Price":  func() { tel.Price(r) },
		"Series": func() { tel.Series("Op") },
		"Intern": func() { tel.Intern(client) },
	} {
		if n := testing.AllocsPerRun(50, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestScoreFadesWithoutNewEvidence(t *testing.T) {
	var s Series
	s.keep(1e18, 1)
	for after, want := range map[int64]float32{0: 1, 10e9: 1, 40e9: 0.5, 70e9: 0.25, 600e9: 0} {
		if got := s.Score(1e18 + after); got < want-0.001 || got > want+0.001 {
			t.Errorf("%d s later: %.3f, want %.3f", after/1e9, got, want)
		}
	}
}

func TestTopicThatIsNotThereIsSaidOnce(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	var log lockedBuffer
	logger, err := NewLogger("info", "json", &log)
	if err != nil {
		t.Fatal(err)
	}
	tel := newTelemetry(t, Config{Brokers: broker.ListenAddrs(), Logger: logger})
	stop := run(t, tel)
	for i := range 10 {
		tel.Emit(record(tel, i))
	}
	eventually(t, func() bool { return tel.Stats().Dropped["broker"] == 10 })
	if s := tel.Stats(); s.Connected || s.LastError == "" {
		t.Errorf("%+v", s)
	}
	if n := strings.Count(log.String(), "kafka takes no events"); n != 1 {
		t.Errorf("%d lines", n)
	}
	stop()
	_ = tel.Close(context.Background())
}

// lockedBuffer is a buffer for a logger of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestLoggerRefusesWhatItDoesNotKnow(t *testing.T) {
	var b strings.Builder
	l, err := NewLogger("info", "json", &b)
	if err != nil {
		t.Fatal(err)
	}
	l.Info("hello", "n", 1)
	l.Debug("quiet")
	if !strings.Contains(b.String(), `"msg":"hello","n":1`) || strings.Contains(b.String(), "quiet") {
		t.Error(b.String())
	}
	for _, c := range [][2]string{{"loud", "json"}, {"info", "xml"}} {
		if _, err := NewLogger(c[0], c[1], &b); err == nil {
			t.Errorf("%v is accepted", c)
		}
	}
}

func BenchmarkEmit(b *testing.B) {
	tel, err := New(Config{Sink: func([]byte) {}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := record(tel, 1)
		for i := 0; pb.Next(); i++ {
			tel.Emit(r)
			if i%512 == 0 {
				tel.take()
			}
		}
	})
}

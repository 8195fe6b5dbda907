package changes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/weirproxy/weir/telemetry/internal/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func cluster(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, "changes")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func produce(t *testing.T, addrs []string, values ...string) {
	t.Helper()
	produceBy(t, []kgo.Opt{kgo.SeedBrokers(addrs...)}, values...)
}

func produceBy(t *testing.T, options []kgo.Opt, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, v := range values {
		r := &kgo.Record{Topic: "changes", Key: []byte(strconv.Itoa(i)), Value: []byte(v), Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/json")}}}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// listener keeps what a reader has handed over.
type listener struct {
	mu     sync.Mutex
	seen   map[string]int
	lost   int
	fails  bool
	log    bytes.Buffer
	reader *Reader
	stop   func()
}

func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(p)
}

func (l *listener) obey(_ context.Context, rs []Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return errors.New("away")
	}
	for _, r := range rs {
		l.seen[string(r.Value)]++
	}
	return nil
}

func (l *listener) has(values ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range values {
		if l.seen[v] == 0 {
			return false
		}
	}
	return true
}

func listen(t *testing.T, addrs []string, group string, since time.Time) *listener {
	t.Helper()
	return begin(t, Config{Brokers: addrs, Group: group, Since: since})
}

// listenBy is listen to a broker that wants more than an address.
func listenBy(t *testing.T, security kafka.Security, addrs []string, group string) *listener {
	t.Helper()
	return begin(t, Config{Brokers: addrs, Group: group, Since: time.Now(), Security: security})
}

// begin completes a configuration and runs a reader.
func begin(t *testing.T, c Config) *listener {
	t.Helper()
	l := &listener{seen: map[string]int{}}
	c.Topics, c.Client, c.Obey, c.Logger = []string{"changes"}, "test", l.obey, slog.New(slog.NewTextHandler(l, nil))
	c.Lost = func(context.Context, string) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lost++
		return nil
	}
	var err error
	if l.reader, err = New(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.reader.Run(ctx) }()
	l.stop = func() { cancel(); <-done }
	t.Cleanup(l.stop)
	return l
}

func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatal("not in time: " + what)
		case <-tick.C:
		}
	}
}

func numbered(name string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint(name, i))
	}
	return list
}

func TestOneOfAGroupHandsOverAndAnotherTakesOver(t *testing.T) {
	c := cluster(t)
	produce(t, c.ListenAddrs(), "before")
	a := listen(t, c.ListenAddrs(), "fleet", time.Now())
	first := numbered("a", 20)
	until(t, "what came within the margin before it began", func() bool { return a.has("before") })
	produce(t, c.ListenAddrs(), first...)
	until(t, "the first of the group has all", func() bool { return a.has(first...) })
	b := listen(t, c.ListenAddrs(), "fleet", time.Now())
	second := numbered("b", 20)
	produce(t, c.ListenAddrs(), second...)
	until(t, "both together have all", func() bool {
		for _, v := range second {
			if !a.has(v) && !b.has(v) {
				return false
			}
		}
		return true
	})
	a.stop()
	third := numbered("c", 20)
	produce(t, c.ListenAddrs(), third...)
	until(t, "the other has taken over", func() bool { return b.has(third...) })
	if b.has(first[0]) || a.lost+b.lost != 0 {
		t.Errorf("read again from the beginning, or lost: %d\n%s%s", a.lost+b.lost, a.log.String(), b.log.String())
	}
	st := b.reader.Stats()
	if st.Records == 0 || st.Batches == 0 || !st.Connected || st.Behind["changes"] != 0 {
		t.Errorf("%+v", st)
	}
}

func TestWhatIsNotObeyedIsHandedOverAgainAlsoToAnother(t *testing.T) {
	c := cluster(t)
	a := listen(t, c.ListenAddrs(), "fleet", time.Now())
	a.mu.Lock()
	a.fails = true
	a.mu.Unlock()
	produce(t, c.ListenAddrs(), "x")
	until(t, "it is tried again", func() bool { return a.reader.Stats().Retries > 1 })
	a.stop() // without having obeyed
	b := listen(t, c.ListenAddrs(), "fleet", time.Now())
	until(t, "the next one gets it", func() bool { return b.has("x") })
}

func TestWithoutAGroupEachReadsEverythingFromItsBeginning(t *testing.T) {
	c := cluster(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	old := &kgo.Record{Topic: "changes", Value: []byte("old"), Timestamp: time.Now().Add(-time.Hour)}
	if err := client.ProduceSync(t.Context(), old).FirstErr(); err != nil {
		t.Fatal(err)
	}
	a, b := listen(t, c.ListenAddrs(), "", time.Now()), listen(t, c.ListenAddrs(), "", time.Now())
	values := numbered("x", 10)
	produce(t, c.ListenAddrs(), values...)
	until(t, "each has all", func() bool { return a.has(values...) && b.has(values...) })
	if a.has("old") || b.has("old") {
		t.Error("what happened before either had anything is read")
	}
}

func TestBrokerThatComesLate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	a := listen(t, []string{l.Addr().String()}, "", time.Now())
	until(t, "the loss is noticed", func() bool { return !a.reader.Stats().Connected })
	c := cluster(t, kfake.Ports(port))
	produce(t, c.ListenAddrs(), "x")
	until(t, "it is read", func() bool { return a.has("x") })
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := strings.Count(a.log.String(), "cannot be reached"); n != 1 {
		t.Errorf("%d lines: %s", n, a.log.String())
	}
}

// A group that was away for longer than the topic keeps its records does not know what they said.
func TestRecordsThatAreGoneAreReported(t *testing.T) {
	c := cluster(t)
	a := listen(t, c.ListenAddrs(), "fleet", time.Now())
	produce(t, c.ListenAddrs(), numbered("a", 10)...)
	until(t, "all is read", func() bool { return a.has(numbered("a", 10)...) })
	a.stop()
	produce(t, c.ListenAddrs(), numbered("gone", 10)...)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(t.Context(), "changes")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteRecords(t.Context(), ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	b := listen(t, c.ListenAddrs(), "fleet", time.Now())
	produce(t, c.ListenAddrs(), numbered("b", 10)...)
	until(t, "what is there is read", func() bool { return b.has(numbered("b", 10)...) })
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost == 0 {
		t.Error("nothing was said about what is gone")
	}
	if !strings.Contains(b.log.String(), "dropped changes") {
		t.Errorf("no line: %s", b.log.String())
	}
}

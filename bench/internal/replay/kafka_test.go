package replay

import (
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/bench/internal/broker"
)

func TestATopicIsReadFromItsBeginningToItsEnd(t *testing.T) {
	b, err := broker.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := OpenKafka(t.Context(), b.Addresses(), broker.CostEvents, Options{}); err == nil || !strings.Contains(err.Error(), "holds no record") {
		t.Errorf("an empty topic: %v", err)
	}
	var list []happened
	for i := range 100 {
		list = append(list, happened{int64(i) * 1000, "City", kindQuery})
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addresses()...), kgo.DefaultProduceTopic(broker.CostEvents), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for line := range strings.Lines(encoded(t, true, list)) {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(line)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := OpenKafka(t.Context(), b.Addresses(), broker.CostEvents, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Len() != 100 || rec.Duration().Milliseconds() != 99 || len(rec.Skips) != 0 {
		t.Errorf("%d events in %v, left out %v", rec.Len(), rec.Duration(), rec.Skips)
	}
	if rec, err = OpenKafka(t.Context(), b.Addresses(), broker.CostEvents, Options{MaxRecords: 7}); err != nil || rec.Len() != 7 {
		t.Errorf("7 events at most: %v", err)
	}
	if _, err := OpenKafka(t.Context(), b.Addresses(), "nobody", Options{}); err == nil || !strings.Contains(err.Error(), "check the address") {
		t.Errorf("a topic that is not there: %v", err)
	}
}

func TestABrokerThatIsDownIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKafka(t.Context(), []string{address}, "t", Options{}); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("%v", err)
	}
}

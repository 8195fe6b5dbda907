package changes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/internal/kafka"
)

// Record is one record of a topic. Its slices are the callee's.
type Record struct {
	Topic       string
	Key, Value  []byte // nil: none
	Time        time.Time
	ContentType string // header content-type
	Partition   int32
	Offset      int64
}

// Config sets up a Reader. All fields but Security, Group and Logger must be set.
type Config struct {
	Brokers  []string
	Security kafka.Security // of the package telemetry; the zero value is plain TCP without a user
	Topics   []string
	Group    string // empty: this process reads everything
	Client   string // name that brokers see
	// Since is when a process without a place begins.
	Since time.Time
	// Obey must do what the records say before it returns; it is called again with the same ones after an error. One call at a time.
	Obey func(context.Context, []Record) error
	// Lost must do what is right when records were dropped before they were read.
	Lost   func(ctx context.Context, topic string) error
	Logger *slog.Logger
}

const (
	// margin is how much before Since reading begins: clocks differ, and a record's time is that of its producer.
	margin = time.Minute
	// maxRecords bounds a batch.
	maxRecords   = 2000
	maxFetch     = 8 << 20
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	commitTime   = 5 * time.Second
)

// Reader reads until Run ends.
type Reader struct {
	closing sync.Once
	cfg     Config
	client  *kgo.Client
	mu      sync.Mutex
	places  map[place]int64            // next offset of partitions that were read
	behind  map[string]map[int32]int64 // records after what was obeyed, by topic
	stats   counters
	contact *kafka.Contact
}

type place struct {
	topic     string
	partition int32
}

type counters struct {
	records, batches, retries, lost, commitErrors, fetchErrors atomic.Uint64
}

// Stats are counters since New and gauges.
type Stats struct {
	Records, Batches uint64           // that were obeyed
	Retries          uint64           // times a batch was handed over again
	Lost             uint64           // times records were gone before they were read
	CommitErrors     uint64           // places that Kafka did not keep; their records come again
	FetchErrors      uint64           // answers that were errors
	Connected        bool             // the last contact with Kafka went well
	Behind           map[string]int64 // records that wait, by topic, as of the last fetch
}

// begin is the time, unix ms, from which a process without a place reads. The client shows it as the place of a group that has none.
func (c *Config) begin() int64 { return c.Since.Add(-margin).UnixMilli() }

// New checks the configuration. It does not connect.
func New(cfg Config) (*Reader, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Reader{cfg: cfg, places: map[place]int64{}, behind: map[string]map[int32]int64{}}
	r.contact = &kafka.Contact{
		Logger: cfg.Logger, Brokers: cfg.Brokers, Security: cfg.Security,
		Fails: "kafka cannot be reached; changes of other systems are obeyed when it is back", Works: "kafka can be reached again",
	}
	options, err := cfg.Security.Options()
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	options = append(options,
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID(cfg.Client),
		kgo.ConsumeTopics(cfg.Topics...),
		kgo.ConsumeStartOffset(kgo.NewOffset().AfterMilli(cfg.begin())),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(maxFetch),
		kgo.MaxConcurrentFetches(1),
		kgo.WithHooks(r.contact),
	)
	if cfg.Group != "" {
		options = append(options, kgo.ConsumerGroup(cfg.Group), kgo.DisableAutoCommit(), kgo.OnPartitionsRevoked(r.forget),
			kgo.OnPartitionsLost(r.forget), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(10*time.Second), kgo.RebalanceTimeout(10*time.Second))
	}
	if r.client, err = kgo.NewClient(options...); err != nil {
		return nil, fmt.Errorf("changes: kafka: %w", err)
	}
	return r, nil
}

// Run reads until ctx ends, and closes the connections.
func (r *Reader) Run(ctx context.Context) {
	defer r.Close()
	for ctx.Err() == nil {
		fetches := r.client.PollRecords(ctx, maxRecords)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		r.take(ctx, fetches)
		r.client.AllowRebalance()
	}
}

// Close leaves the group, so that another takes over at once, and closes the connections. Run does it at its end.
func (r *Reader) Close() {
	r.closing.Do(func() {
		r.client.AllowRebalance()
		r.client.Close()
	})
}

// take hands a fetch over, and keeps the place behind it.
func (r *Reader) take(ctx context.Context, fetches kgo.Fetches) {
	var batch []Record
	var done []*kgo.Record
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		r.check(ctx, &p)
		for _, rec := range p.Records {
			batch = append(batch, record(rec))
		}
		if n := len(p.Records); n > 0 {
			done = append(done, p.Records[n-1])
		}
	})
	if len(batch) == 0 || !r.insist(ctx, func() error { return r.cfg.Obey(ctx, batch) }) {
		return
	}
	r.contact.Taken()
	r.stats.records.Add(uint64(len(batch)))
	r.stats.batches.Add(1)
	r.keep(done)
	fetches.EachPartition(r.lag)
	if r.cfg.Group == "" {
		return
	}
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	if err := r.client.CommitRecords(call, done...); err != nil {
		r.stats.commitErrors.Add(1)
	}
}

// insist calls until it works or ctx ends.
func (r *Reader) insist(ctx context.Context, do func() error) bool {
	pause := firstPause
	for ctx.Err() == nil {
		if do() == nil {
			return true
		}
		r.stats.retries.Add(1)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		pause = min(2*pause, longestPause)
	}
	return false
}

// check looks for what is gone before it was read.
func (r *Reader) check(ctx context.Context, p *kgo.FetchTopicPartition) {
	at := place{p.Topic, p.Partition}
	r.mu.Lock()
	next, known := r.places[at]
	r.mu.Unlock()
	if !known && r.cfg.Group != "" {
		if c, ok := r.client.CommittedOffsets()[at.topic][at.partition]; ok && c.Offset != r.cfg.begin() {
			next, known = c.Offset, true
		}
	}
	lost := known && p.LogStartOffset > next
	if n := len(p.Records); n > 0 && known && p.Records[0].Offset < next {
		lost = true // the partition begins anew, or ends before what was read: it is another one
	}
	if err := p.Err; err != nil {
		r.stats.fetchErrors.Add(1)
		r.contact.Forbidden(err)
		gone := new(kgo.ErrDataLoss)
		lost = lost || errors.As(err, &gone)
	}
	if !lost {
		return
	}
	r.stats.lost.Add(1)
	r.cfg.Logger.Warn("a topic has dropped changes before they were read; everything it may have named is given up",
		"topic", at.topic, "partition", at.partition, "read_up_to", next, "begins_at", p.LogStartOffset)
	r.insist(ctx, func() error { return r.cfg.Lost(ctx, at.topic) })
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.places, at)
	if len(p.Records) == 0 && p.LogStartOffset > next { // told once
		r.places[at] = p.LogStartOffset
	}
}

// keep notes up to where partitions were obeyed.
func (r *Reader) keep(done []*kgo.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range done {
		r.places[place{rec.Topic, rec.Partition}] = rec.Offset + 1
	}
}

func (r *Reader) lag(p kgo.FetchTopicPartition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.behind[p.Topic] == nil {
		r.behind[p.Topic] = map[int32]int64{}
	}
	n := int64(0)
	if len(p.Records) > 0 {
		n = max(0, p.HighWatermark-p.Records[len(p.Records)-1].Offset-1)
	}
	r.behind[p.Topic][p.Partition] = n
}

// forget drops what is known of partitions that another process reads now. Rebalances wait until what was polled is obeyed.
func (r *Reader) forget(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, partitions := range gone {
		for _, p := range partitions {
			delete(r.places, place{topic, p})
			delete(r.behind[topic], p)
		}
	}
}

func record(k *kgo.Record) Record {
	r := Record{Topic: k.Topic, Key: k.Key, Value: k.Value, Time: k.Timestamp, Partition: k.Partition, Offset: k.Offset}
	for _, h := range k.Headers {
		if h.Key == "content-type" {
			r.ContentType = string(h.Value)
		}
	}
	return r
}

// Stats returns a snapshot.
func (r *Reader) Stats() Stats {
	c := &r.stats
	s := Stats{
		Records: c.records.Load(), Batches: c.batches.Load(), Retries: c.retries.Load(), Lost: c.lost.Load(), CommitErrors: c.commitErrors.Load(),
		FetchErrors: c.fetchErrors.Load(), Connected: r.contact.Working(), Behind: map[string]int64{},
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, partitions := range r.behind {
		for _, n := range partitions {
			s.Behind[topic] += n
		}
	}
	return s
}

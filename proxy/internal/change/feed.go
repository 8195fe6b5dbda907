package change

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/telemetry/changes"
)

// Outcome is what became of a record.
type Outcome uint8

// Outcomes.
const (
	Obeyed       Outcome = iota
	Ignored              // says nothing about rows
	UnknownTable         // of a table without a mapping
	TooBig               // more than is read, and its key does not tell enough
	Poison               // cannot be read
	outcomes
)

// Names are the outcomes as metrics name them.
var Names = [outcomes]string{"obeyed", "ignored", "unknown_table", "too_big", "unreadable"}

const (
	// maxValue is how much of a value is read; of a larger one its key tells the row.
	maxValue = 4 << 20
	maxKey   = 64 << 10
	// complainEvery bounds the log lines of a topic.
	complainEvery = time.Minute
)

// Config sets up a Feed. All fields must be set.
type Config struct {
	Topics []Topic
	Parse  Parse
	// Invalidate returns when the log has the invalidation, or with an error when ctx has ended first.
	Invalidate func(context.Context, cache.Invalidation) error
	Now        func() time.Time
	Logger     *slog.Logger
}

// Feed reads records of topics and invalidates what they name.
type Feed struct {
	cfg    Config
	topics map[string]*Topic

	mu    sync.Mutex
	stats map[string]*Stats
	told  map[string]time.Time // by topic
}

// Stats are of one topic, counters since New and gauges.
type Stats struct {
	Records [outcomes]uint64
	Lag     time.Duration // of the newest record obeyed: from the change to when the log had its invalidation
	Lags    time.Duration // sum over all that were obeyed
}

// New returns a feed.
func New(cfg Config) *Feed {
	f := &Feed{cfg: cfg, topics: map[string]*Topic{}, stats: map[string]*Stats{}, told: map[string]time.Time{}}
	for i := range cfg.Topics {
		t := &cfg.Topics[i]
		f.topics[t.Name], f.stats[t.Name] = t, &Stats{}
	}
	return f
}

// Obey does what the records say, and returns nil when the log has all of it.
func (f *Feed) Obey(ctx context.Context, records []changes.Record) error {
	var b Batch
	type row struct {
		topic string
		at    time.Time
		what  Outcome
	}
	done := make([]row, 0, len(records))
	for i := range records {
		r := &records[i]
		t := f.topics[r.Topic]
		if t == nil {
			continue
		}
		what, ms, err := Read(t, f.cfg.Parse, r, &b)
		if err != nil {
			f.complain(r, err)
		}
		at := r.Time
		if ms > 0 {
			at = time.UnixMilli(ms)
		}
		done = append(done, row{r.Topic, at, what})
	}
	for _, piece := range b.Pieces() {
		if err := f.cfg.Invalidate(ctx, piece); err != nil {
			return err
		}
	}
	now := f.cfg.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range done {
		s := f.stats[d.topic]
		if s.Records[d.what]++; d.what == Obeyed {
			s.Lag = max(0, now.Sub(d.at))
			s.Lags += s.Lag
		}
	}
	return nil
}

// Lost invalidates everything: what a topic said is not known.
func (f *Feed) Lost(ctx context.Context, _ string) error {
	return f.cfg.Invalidate(ctx, cache.Invalidation{All: true})
}

// Read adds what a record says to the batch. ms is when the change happened, unix ms, 0 when the record does not say.
func Read(t *Topic, parse Parse, r *changes.Record, b *Batch) (what Outcome, ms int64, err error) {
	value := r.Value
	if len(value) <= maxValue {
		if value, err = opened(r.ContentType, value); err != nil {
			return Poison, 0, err
		}
	}
	if t.Format == Plain {
		what, err = readPlain(parse, value, b)
		return what, 0, err
	}
	return readDebezium(t, r.Key, value, b)
}

// complain says once in a while for a topic that a record cannot be read.
func (f *Feed) complain(r *changes.Record, err error) {
	now := f.cfg.Now()
	f.mu.Lock()
	at, told := f.told[r.Topic]
	if told = told && now.Sub(at) < complainEvery; !told {
		f.told[r.Topic] = now
	}
	f.mu.Unlock()
	if !told {
		f.cfg.Logger.Warn("a change record cannot be read and is skipped; others are counted only, for a minute",
			"topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "bytes", len(r.Value), "it", err.Error())
	}
}

// Stats returns a snapshot by topic.
func (f *Feed) Stats() map[string]Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string]Stats, len(f.stats))
	for topic, s := range f.stats {
		out[topic] = *s
	}
	return out
}

package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/telemetry/event"
	"github.com/weirproxy/weir/telemetry/internal/kafka"
	"github.com/weirproxy/weir/telemetry/internal/ring"
)

// Identity is who the events are from.
type Identity struct {
	Service, Region, ResourceID, BusinessUnit, ProjectID, Environment string
	Instance                                                          string // default: host name
}

// Security is how Kafka's brokers are reached. The zero value is plain TCP without a user.
type Security = kafka.Security

// SASL is how a client of Kafka signs in.
type SASL = kafka.SASL

// Config sets up Telemetry. The zero value prices, scores and counts, and sends nothing.
type Config struct {
	Identity Identity
	// Brokers are HOST:PORT of Kafka. None: events are counted as discarded, unless Sink is set.
	Brokers  []string
	Security Security
	Topic    string // default finops.cost.events
	Binary   bool   // CloudEvents in binary mode: attributes as headers
	// RingRecords bounds the records that wait to be encoded. Default 16,384, which is 4.4 MiB of them.
	RingRecords int
	Book        *PriceBook // default: the built-in one
	Logger      *slog.Logger
	// Sink gets every encoded event in place of Kafka, from one goroutine. The slice is good during the call.
	Sink func(event []byte)
}

// Telemetry prices, scores, counts and sends. All methods are safe for concurrent use.
type Telemetry struct {
	cfg      Config
	boot     string
	identity identity
	book     atomic.Pointer[PriceBook]
	ring     *ring.Ring[Record] // nil: nobody reads events
	sunk     []byte             // the event that the sink has
	seq      atomic.Uint64
	cpu      cpuShare
	counters counters
	losses   losses
	chores   chan struct{} // for keepHouse: the first request after a rest, or a loss
	series   table[string, *Series]
	other    *Series
	upstream *Series
	names    table[string, string]
	latency  [cacheStatuses]histogram
	registry *Registry
	sender   *sender // nil without brokers

	closing sync.Once
	closed  atomic.Bool
}

// New checks the configuration. It does not connect.
func New(cfg Config) (*Telemetry, error) {
	if cfg.Topic == "" {
		cfg.Topic = event.CostTopic
	}
	if cfg.RingRecords <= 0 {
		cfg.RingRecords = 16_384
	}
	if cfg.Book == nil {
		cfg.Book = BuiltinPriceBook()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Identity.Instance == "" {
		cfg.Identity.Instance, _ = os.Hostname()
	}
	if len(cfg.Brokers) > 0 && cfg.Sink != nil {
		return nil, errors.New("telemetry: both brokers and a sink are given; choose one")
	}
	var random [6]byte
	_, _ = rand.Read(random[:])
	chores := make(chan struct{}, 1)
	t := &Telemetry{cfg: cfg, boot: hex.EncodeToString(random[:]), chores: chores, losses: losses{chores: chores}, other: &Series{operation: otherName}, upstream: &Series{operation: "upstream"}}
	t.identity = newIdentity(&t.cfg, t.boot)
	t.book.Store(cfg.Book)
	if cfg.Sink != nil || len(cfg.Brokers) > 0 {
		t.ring = ring.New(cfg.RingRecords, keep)
	}
	if len(cfg.Brokers) > 0 {
		var err error
		if t.sender, err = newSender(t); err != nil {
			return nil, err
		}
	}
	t.registry = newRegistry(t)
	return t, nil
}

// SetBook changes the price book for the records that follow.
func (t *Telemetry) SetBook(b *PriceBook) { t.book.Store(b) }

// Registry is where rooms register what metrics show of them.
func (t *Telemetry) Registry() *Registry { return t.registry }

// Price fills Cost and Saved of r from the current book, and the sidecar's CPU time. Saved is what the entry's fill cost beyond what this
// answer cost, and never negative.
func (t *Telemetry) Price(r *Record) {
	r.book = t.book.Load()
	r.Quantities.ProxyCPUUS = t.cpu.perRequest.Load()
	r.Cost = r.book.Cost(&r.Quantities)
	r.Saved = 0
	if r.CacheStatus.saves() {
		r.Saved = max(0, r.Worth-r.Cost)
	}
}

// Emit prices, scores and counts the record and puts a copy of it into the ring, to be encoded beside the requests. It never waits and never allocates; a
// record that finds no room is dropped, counted and told on weir.loss. Series must be set.
func (t *Telemetry) Emit(r *Record) {
	t.Price(r)
	latency := r.End - r.Start
	if r.Quantities.Fetches > 0 {
		failed := r.Errors > 0 || r.Status >= 500 || r.Status == 0
		r.Series.observe(r.End, latency, failed)
		t.upstream.sample(r.End, r.Quantities.UpstreamUS*1000, failed)
	}
	r.Score = max(r.Series.Score(r.End), t.upstream.Score(r.End))
	r.Series.count(r)
	t.latency[r.CacheStatus].observe(latency)
	if t.cpu.request() {
		wake(t.chores)
	}
	r.seq = t.seq.Add(1)
	if t.ring == nil {
		t.counters.discarded.Add(1)
		return
	}
	r.from = t
	if t.ring.Put(r.seq, r) {
		t.counters.queued.Add(1)
		return
	}
	if t.closed.Load() {
		t.losses.add(lossClose, r.seq)
		return
	}
	t.losses.add(lossRing, r.seq)
}

// Run moves events to Kafka or the sink, and measures the process's CPU, until ctx ends. Close sends what is left.
func (t *Telemetry) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { t.keepHouse(ctx) })
	if t.ring != nil {
		t.drain(ctx)
	}
	<-ctx.Done()
	return nil
}

// Close sends what is left until ctx ends, and counts and tells what was lost: after it, every event emitted was acknowledged or is
// counted as dropped. Call it after Run has returned.
func (t *Telemetry) Close(ctx context.Context) (err error) {
	t.closing.Do(func() {
		if t.ring != nil {
			t.empty(ctx)
		}
		if t.sender != nil {
			err = t.sender.close(ctx)
		}
	})
	return err
}

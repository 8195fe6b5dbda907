package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/event"
)

const partitions = 6

// totals are what the consumed events add up to.
type totals struct {
	Events, Anomalies int64
	Cost, Saved       USD
	Broken            int64 // events that could not be read
	BrokenWhy         string
}

// consumer reads cost events from where the topic ended when it was made.
type consumer struct {
	client *kgo.Client

	mu  sync.Mutex
	sum totals
}

func newConsumer(ctx context.Context, brokers []string) (*consumer, error) {
	admin, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer admin.Close()
	adm := kadm.NewClient(admin)
	created, err := adm.CreateTopics(ctx, partitions, 1, nil, event.CostTopic, event.LossTopic)
	if err != nil {
		return nil, fmt.Errorf("kafka at %v: %w", brokers, err)
	}
	for _, t := range created {
		if t.Err != nil && !errors.Is(t.Err, kerr.TopicAlreadyExists) {
			return nil, fmt.Errorf("kafka: create topic %s: %w", t.Topic, t.Err)
		}
	}
	ends, err := adm.ListEndOffsets(ctx, event.CostTopic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("kafka: ends of %s: %w", event.CostTopic, err)
	}
	from := map[string]map[int32]kgo.Offset{event.CostTopic: {}}
	ends.Each(func(o kadm.ListedOffset) { from[o.Topic][o.Partition] = kgo.NewOffset().At(o.Offset) })
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(from))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &consumer{client: client}, nil
}

// run consumes until ctx ends.
func (c *consumer) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { c.add(r.Value) })
	}
}

func (c *consumer) add(raw []byte) {
	var e event.Envelope[event.Cost]
	err := json.Unmarshal(raw, &e)
	cost, costErr := ParseUSD(e.Data.CostAmount)
	saved, savedErr := ParseUSD(e.Data.SavedAmount)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Events++
	if err := errors.Join(err, costErr, savedErr); err != nil {
		c.sum.Broken++
		c.sum.BrokenWhy = err.Error()
		return
	}
	c.sum.Cost += cost
	c.sum.Saved += saved
	if e.Data.AnomalyScore >= alarm {
		c.sum.Anomalies++
	}
}

func (c *consumer) totals() totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}

func (c *consumer) close() { c.client.Close() }

package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	kafkaAnswer = 10 * time.Second // for where a topic begins and ends
	kafkaIdle   = 5 * time.Second  // without a record, what is left to its end is taken for markers of transactions
)

// OpenKafka reads the cost events of a topic from its beginning to where its end is now, or to o.MaxRecords. It joins no group and commits nothing.
func OpenKafka(ctx context.Context, brokers []string, topic string, o Options) (*Recording, error) {
	o.Format = Events
	r := newReader(fmt.Sprintf("kafka %v topic %s", brokers, topic), o)
	err := EachRecord(ctx, brokers, topic, func(value []byte) bool {
		r.line++
		r.event(value)
		return !r.full()
	})
	if err != nil {
		return nil, err
	}
	return r.finish()
}

// EachRecord gives the values of a topic's records to take, from its beginning to where its end is now, or until take says no. It joins no group and commits
// nothing.
func EachRecord(ctx context.Context, brokers []string, topic string, take func(value []byte) (more bool)) error {
	name := fmt.Sprintf("kafka %v topic %s", brokers, topic)
	begin, end, err := bounds(ctx, brokers, topic)
	if err != nil {
		return fmt.Errorf("%s: %w; check the address (HOST:PORT) and the topic's name", name, err)
	}
	if len(begin) == 0 {
		return fmt.Errorf("%s: the topic holds no record; let Weir send events (--kafka) before they are read", name)
	}
	if err := consume(ctx, brokers, topic, begin, end, take); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// bounds are the first offset of each partition that holds records, and the offset behind its last.
func bounds(ctx context.Context, brokers []string, topic string) (begin map[int32]kgo.Offset, end map[int32]int64, err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, kafkaAnswer)
	defer cancel()
	admin := kadm.NewClient(client)
	first, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	last, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = last.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	begin, end = map[int32]kgo.Offset{}, map[int32]int64{}
	for partition, o := range first[topic] {
		if to, ok := last.Lookup(topic, partition); ok && to.Offset > o.Offset {
			begin[partition], end[partition] = kgo.NewOffset().At(o.Offset), to.Offset
		}
	}
	return begin, end, nil
}

func consume(ctx context.Context, brokers []string, topic string, begin map[int32]kgo.Offset, end map[int32]int64, take func([]byte) bool) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: begin}))
	if err != nil {
		return err
	}
	defer client.Close()
	for len(end) > 0 {
		wait, cancel := context.WithTimeout(ctx, kafkaIdle)
		fetches := client.PollFetches(wait)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("partition %d: %w", e.Partition, e.Err)
			}
		}
		if fetches.NumRecords() == 0 {
			return nil
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			to, open := end[record.Partition]
			if !open || record.Offset >= to { // came after the reading began
				continue
			}
			if record.Offset == to-1 {
				delete(end, record.Partition)
			}
			if !take(record.Value) {
				return nil
			}
		}
	}
	return nil
}

package usage

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/telemetry/event"
)

const (
	shards = 16
	// shardKeys bounds the clients and plans that a shard tells apart between two Takes.
	shardKeys = 1024
)

// Table is safe for concurrent use. Its zero value is ready.
type Table struct {
	shard    [shards]shard
	counted  atomic.Uint64
	overflow atomic.Uint64
}

type key struct {
	client string
	plan   *planner.Plan
}

// shard is a part of the table. Which one counts is a matter of chance, so that no two cores wait for each other over an operation in demand.
type shard struct {
	mu         sync.Mutex
	now, spare map[key]uint64
}

// Count counts an operation. It keeps client as it is.
func (t *Table) Count(client string, plan *planner.Plan) {
	if len(plan.Fields()) == 0 {
		return
	}
	k := key{client, plan}
	s := &t.shard[rand.Uint32()%shards]
	s.mu.Lock()
	n, known := s.now[k]
	if !known && len(s.now) >= shardKeys {
		s.mu.Unlock()
		t.overflow.Add(1)
		return
	}
	if s.now == nil {
		s.now = make(map[key]uint64)
	}
	s.now[k] = n + 1
	s.mu.Unlock()
	t.counted.Add(1)
}

// Stats returns how many operations were counted, and how many found no room.
func (t *Table) Stats() (counted, overflow uint64) { return t.counted.Load(), t.overflow.Load() }

// Client is what one client used.
type Client struct {
	Name       string
	Operations uint64
	Fields     []event.FieldUsage // by type and field
}

// Take returns the counts since the last Take, by client, and begins anew. One goroutine at a time may call it.
func (t *Table) Take() []Client {
	operations := map[string]uint64{}
	fields := map[string]map[planner.Field]uint64{}
	for i := range t.shard {
		s := &t.shard[i]
		s.mu.Lock()
		taken := s.now
		s.now, s.spare = s.spare, nil
		s.mu.Unlock()
		for k, n := range taken {
			operations[k.client] += n
			if fields[k.client] == nil {
				fields[k.client] = map[planner.Field]uint64{}
			}
			for _, f := range k.plan.Fields() {
				fields[k.client][f] += n
			}
		}
		clear(taken)
		s.mu.Lock()
		s.spare = taken
		s.mu.Unlock()
	}
	out := make([]Client, 0, len(operations))
	for name, n := range operations {
		c := Client{Name: name, Operations: n, Fields: make([]event.FieldUsage, 0, len(fields[name]))}
		for f, n := range fields[name] {
			c.Fields = append(c.Fields, event.FieldUsage{Type: f.Type, Field: f.Name, Count: n})
		}
		slices.SortFunc(c.Fields, byName)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Client) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func byName(a, b event.FieldUsage) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Field, b.Field))
}

// Join adds what another Take had of the same client.
func (c *Client) Join(later *Client) {
	c.Operations += later.Operations
	for _, f := range later.Fields {
		i, found := slices.BinarySearchFunc(c.Fields, f, byName)
		if found {
			c.Fields[i].Count += f.Count
		} else {
			c.Fields = slices.Insert(c.Fields, i, f)
		}
	}
}

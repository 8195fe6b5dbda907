package cache

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/journal"
)

// modelServer is one run of a Redis server: the log, the name of its generation, and the values.
type modelServer struct {
	run     uint64
	clock   int64 // ns off the true time
	records []journal.Record
	last    entry.Position // last id given, which a trim does not take back
	epoch   uint64         // 0: no generation is named
	of      uint64         // run that named it
	values  map[Key]modelValue
	leases  map[Key]*modelLease
	born    int     // invalidations that were in any log when it took over
	logged  []*told // that processes put into this log, or have carried over to it
}

type modelValue struct {
	data  []byte
	until int64 // true time
}

// copied is what a replica has: it shares no memory that changes.
func (s *modelServer) copied() *modelServer {
	c := *s
	c.records = s.records[:len(s.records):len(s.records)]
	c.values, c.leases = maps.Clone(s.values), maps.Clone(s.leases)
	c.logged = nil
	return &c
}

func (s *modelServer) ms(now int64) uint64 { return uint64((now + s.clock) / 1e6) }

func (s *modelServer) add(now int64, r journal.Record) entry.Position {
	r.Position = entry.Position{MS: s.ms(now)}
	if !s.last.Less(r.Position) {
		r.Position = s.last.Next()
	}
	s.last = r.Position
	s.records = append(s.records, r)
	return r.Position
}

// port is one process's connection to Redis: its log and its shared tier.
type port struct {
	w       *modelWorld
	p       *modelProcess
	down    bool
	noReply bool // what is asked arrives, the answer does not
	partial bool // only the first of what is appended arrives
	late    bool // writes to the shared tier wait for a step
	page    int  // records of a page; 0: as many as asked for
	writes  []modelWrite
	server  *modelServer // the one it is connected to

	reads      *modelServer // by the last Sync
	read, told int          // at that time: invalidations in that log, and in any
}

type modelWrite struct {
	key   Key
	value modelValue
	ends  bool // the lease of the key
	held  bool // its process had a lease
}

var errPort = errors.New("redis cannot be reached")

// Sync does what the script of remote.Log does.
func (o *port) Sync(_ context.Context, from entry.Position, limit int, retention time.Duration) (journal.Page, error) {
	w, s := o.w, o.server
	if o.down {
		return journal.Page{}, errPort
	}
	n := len(s.records)
	if s.epoch == 0 || s.of != s.run || n == 0 || s.records[n-1].Position.Less(from) {
		w.epochs++
		s.epoch, s.of = w.epochs, s.run
		s.add(w.now, journal.ParseFields(entry.Position{}, []string{"a", "1"}))
		n++
	}
	start := 0
	ms, keep := s.ms(w.now), uint64(retention/time.Millisecond)
	for start < n {
		r := &s.records[start]
		if from.IsZero() {
			if start+1 == n || s.records[start+1].Position.MS+keep > ms { // the last that is older than what is kept
				break
			}
		} else if !r.Position.Less(from) {
			break
		}
		start++
	}
	if o.page > 0 {
		limit = o.page
	}
	page := journal.Page{Epoch: s.epoch, Head: s.records[n-1].Position, TimeMS: ms}
	page.Records = append(page.Records, s.records[start:min(n, start+limit)]...)
	page.Whole = from.IsZero() || len(page.Records) > 0 && page.Records[0].Position == from
	o.reads, o.read, o.told = s, len(s.logged), len(w.logged)
	silent := o.noReply
	w.meanwhile()
	if silent {
		return journal.Page{}, errPort
	}
	return page, nil
}

// Append is a pipeline of XADDs.
func (o *port) Append(_ context.Context, rs []journal.Record) (list []entry.Position, err error) {
	if o.down {
		return nil, errPort
	}
	if o.partial && len(rs) > 1 {
		rs, err = rs[:1], errPort
	}
	for i := range rs {
		list = append(list, o.server.add(o.w.now, journal.ParseFields(entry.Position{}, rs[i].AppendFields(nil))))
		o.p.hasLogged(rs[i].Number)
	}
	silent := o.noReply
	o.w.meanwhile()
	if silent {
		return nil, errPort
	}
	return list, err
}

func (o *port) Await(context.Context, entry.Position, time.Duration) error { return nil }

// plain is how the model's values look.
var plain, _ = codec.New(codec.Config{})

// Get reads a value; other steps may happen before it comes.
func (o *port) Get(_ context.Context, k *Key, hash func([]byte) uint64) (*entry.Slot, error) {
	v, ok := o.server.values[*k]
	down := o.down
	o.w.meanwhile()
	if down {
		return nil, errPort
	}
	if !ok || v.until <= o.w.now {
		return nil, nil
	}
	return plain.Decode(v.data, k, hash)
}

// Put writes behind: at once, or when a step lets it arrive.
func (o *port) Put(s *entry.Slot) {
	v := modelValue{data: plain.Append(nil, s), until: o.w.now + s.Hard - s.Created}
	f := o.p.completing
	o.writes = append(o.writes, modelWrite{s.Digest, v, s.Leased(), f != nil && (f.held != nil || f.free)})
	if !o.late {
		o.land(len(o.writes) - 1)
	}
}

func (o *port) land(i int) {
	if len(o.writes) == 0 {
		return
	}
	i %= len(o.writes)
	write := o.writes[i]
	o.writes = append(o.writes[:i], o.writes[i+1:]...)
	if !o.down {
		o.server.values[write.key] = write.value
		if l := o.server.leases[write.key]; l != nil && write.ends {
			delete(o.server.leases, write.key)
			l.ended = l.ended || write.held
		}
	}
}

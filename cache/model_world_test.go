package cache

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/weirproxy/weir/cache/internal/journal"
)

// Bits of begin's a.
const (
	privateThree = 1 << iota // one key is private
	fewNames                 // the tables of tombstones are small
	inStep                   // all have read the log before the first step
	calmLine                 // writes to the shared tier arrive at once
	leasing                  // one process of the fleet fetches, and stale answers are for a while
	holding                  // the origin's replicas lag
	worldBits    = 6
)

const (
	modelLost    = 2 * time.Second
	modelLostTTL = 10 * time.Second
	modelStale   = 10 * time.Second
	modelLetting = 3 * time.Second  // of modelStale: may answer while it is fetched
	modelHold    = 2 * time.Second  // replicas lag for no longer
	modelCarry   = 59 * time.Second // less than the journal's renewFor
	maxDepth     = 2                // of steps inside steps
)

// modelWorld is a fleet on one Redis, in virtual time. One goroutine plays it.
type modelWorld struct {
	now       int64 // true time
	tick      int   // steps begun
	steps     []step
	next      int // of steps
	depth     int
	inside    int          // steps that happen inside the current one, and have not yet
	master    *modelServer // where all go, sooner or later
	replica   *modelServer
	runs      uint64
	epochs    uint64
	processes []*modelProcess
	logged    []*told // in the order in which they came into the log
	ahead     int64   // by how much clocks were set forward, in all
	redis     int64   // by how much those of Redis were set, in all
	private   bool
	few       bool // names are remembered
	repeated  bool // a record came into the log twice
	merged    bool // one stood for several
	leases    bool
	trimmed   int  // step in which the log was trimmed last
	lags      bool // what the origin says may be of a while ago
	mutant    *mutant
	counts    modelCounts
}

type modelCounts struct {
	served                                              [3]int // by State
	shared, refused, generations, raises, lost, follows uint64
	led, elsewhere, brought, vain, late, lagging        uint64
}

// modelProcess is one sidecar's store. Its clock is its own.
type modelProcess struct {
	w       *modelWorld
	name    string
	number  int
	store   *Store
	port    port
	clock   int64 // ns off the true time
	back    int64 // by how much it was set back, in all
	boots   int
	fills   []*modelFill
	asked   []*told // of this run
	arrived int     // of asked: in the log
	seen    witness
	looking [8]int       // by key: calls of Lookup that have not returned, one of which may lead
	calls   []*modelCall // of Lookup that have not returned, the innermost last
	jumped  int64        // true time at which its clock was set last
	reading bool
	writing bool

	completing *modelFill
}

type modelFill struct {
	fill *Fill
	key  int
	tick int // when the origin was asked
	from int64
	old  *told       // what the fill's process obeyed and the answer does not know of: it is of a replica
	held *modelLease // nil: none
	free bool        // Redis could not say who has the lease
}

// modelFailure ends a world.
type modelFailure string

func (w *modelWorld) fail(format string, args ...any) {
	panic(modelFailure(fmt.Sprintf("step %d (%s): ", w.next-1, w.steps[w.next-1]) + fmt.Sprintf(format, args...)))
}

// play carries a schedule out and returns what was wrong, "" when nothing was.
func play(steps []step, m *mutant) (failure string, counts modelCounts) {
	w := &modelWorld{now: t0, steps: steps, mutant: m}
	w.master = &modelServer{values: map[Key]modelValue{}, leases: map[Key]*modelLease{}}
	w.replica = w.master.copied()
	defer func() {
		for _, p := range w.processes {
			p.end()
		}
		counts = w.counts
		if r := recover(); r != nil {
			f, ok := r.(modelFailure)
			if !ok {
				panic(r)
			}
			failure = string(f)
		}
	}()
	w.begin(steps[0])
	w.next = 1
	for w.next < len(steps) {
		w.step()
	}
	w.tick++
	w.heals()
	return "", w.counts
}

func (w *modelWorld) begin(s step) {
	w.private, w.few = s.a&privateThree != 0, s.a&fewNames != 0
	w.leases, w.lags = s.a&leasing != 0, s.a&holding != 0
	for i := range max(2, min(4, int(s.b))) {
		p := &modelProcess{w: w, name: string(rune('A' + i)), number: i}
		w.processes = append(w.processes, p)
		p.boot(s.a&fewNames != 0)
		p.port.late = s.a&calmLine == 0
	}
	if s.a&inStep != 0 {
		for _, p := range w.processes {
			p.catchUp(0)
		}
	}
}

func (w *modelWorld) step() {
	s := w.steps[w.next]
	w.next++
	w.tick++
	w.inside = int(s.nest)
	w.do(s, w.processes[int(s.who)%len(w.processes)])
	w.inside = 0
}

// meanwhile carries out the steps that happen inside the current one.
func (w *modelWorld) meanwhile() {
	rest := w.inside / 2 // for the next wait
	n := w.inside - rest
	w.inside = 0
	if w.depth >= maxDepth {
		return
	}
	w.depth++
	for ; n > 0 && w.next < len(w.steps); n-- {
		w.step()
	}
	w.depth--
	w.inside = rest
}

func (p *modelProcess) local() int64 { return p.w.now + p.clock }

func (p *modelProcess) boot(small bool) {
	p.boots++
	cfg := Config{
		MaxBytes: 128 << 10, EarlyRefresh: -1, DisconnectedAfter: modelLost, DisconnectedTTL: modelLostTTL, MaxTombstones: 1000, Now: p.local,
	}
	if small {
		cfg.MaxTombstones = 16
	}
	if p.w.leases {
		cfg.Revalidates = func(*Entry) time.Duration { return modelLetting }
	}
	if m := p.w.mutant; m != nil && m.config != nil {
		m.config(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		panic(err)
	}
	down, late := p.port.down, p.port.late
	server := p.port.server
	if server == nil {
		server = p.w.master
	}
	p.port = port{w: p.w, p: p, down: down, late: late, writes: p.port.writes, server: server}
	var source journal.Source = &p.port
	s.shared, s.pace = &p.port, modelPace{p, s}
	if p.w.leases {
		s.leases = &p.port
	}
	if m := p.w.mutant; m != nil {
		if m.leases != nil && s.leases != nil {
			s.leases = m.leases(s.leases)
		}
		if m.pace != nil {
			s.pace = m.pace(s.pace)
		}
		if m.source != nil {
			source = m.source(source)
		}
		if m.tier != nil {
			s.shared = m.tier(s)
		}
	}
	s.journal = journal.New(journal.Config{
		Source: source, Clock: s.clock, Author: fmt.Sprint(p.name, p.boots), Queue: 4, QueueTags: 64, Join: 30, Retention: s.cfg.Retention,
		Lost: s.cfg.DisconnectedAfter, Now: s.cfg.Now, Logger: s.cfg.Logger,
	})
	p.store, p.fills, p.asked, p.arrived, p.seen = s, nil, nil, 0, witness{}
}

func (p *modelProcess) end() {
	if p.store == nil {
		return
	}
	st := p.store.Stats()
	c := &p.w.counts
	c.shared += st.HitsL2
	c.refused += st.MissInvalid
	c.lost += st.MissDisconnected
	c.generations += st.Generations
	c.raises += st.FloorRaises
	c.follows += st.Collapsed
	c.led += st.LeasesWon
	c.brought += st.LeasesShared
	c.vain += st.LeasesVain
	c.late += st.CollapseTimeouts
	p.w.merged = p.w.merged || st.QueueMerges > 0
	_ = p.store.Close()
	p.store = nil
}

// do carries one step out.
func (w *modelWorld) do(s step, p *modelProcess) {
	switch s.do {
	case look:
		p.look(s.a, s.b > 0)
	case quick:
		n := len(p.fills)
		if store := p.store; p.look(s.a, false) && store == p.store && len(p.fills) > n {
			p.complete(len(p.fills)-1, 0)
		}
	case complete:
		p.complete(int(s.a), s.b)
	case abandon:
		p.abandon(int(s.a), s.b > 0)
	case declare:
		p.declare(int(s.a)%len(modelInvalidations), s.b > 0)
	case flush:
		p.flush()
	case catchUp:
		p.catchUp(int(s.b) + 1)
	case settle:
		for _, q := range w.processes {
			q.flush()
		}
		for _, q := range w.processes {
			q.catchUp(0)
		}
	case land:
		p.port.land(int(s.a))
	case evict:
		for i := range modelKeys {
			if slot := p.store.memory.Get(modelKeys[i].key); slot != nil && i != int(s.a)%len(modelKeys) {
				p.store.memory.Delete(slot)
			}
		}
	case sweep:
		p.store.reclaim.sweep(context.Background(), true)
	case line:
		p.port.down, p.port.noReply, p.port.partial, p.port.late = s.a&3 == 3, s.a&12 == 12, s.a&48 == 48, s.a&64 != 0
	default:
		w.upset(s, p)
	}
}

// upset carries out a step that hurts.
func (w *modelWorld) upset(s step, p *modelProcess) {
	switch s.do {
	case replicate:
		w.replica = w.master.copied()
	case failOver:
		w.failOver(int(s.a)%3, p, s.a/3%2 > 0)
	case move:
		p.port.server = w.master
	case trim:
		n := len(w.master.records) * (1 + int(s.a)%4) / 4
		w.master.records = w.master.records[n:]
		w.trimmed = w.tick
	case restart:
		if p.reading || p.writing { // it waits for Redis in an outer step
			return
		}
		for s.b > 0 && p.flush() > 0 {
		}
		small := p.store.cfg.MaxTombstones == 16
		p.end()
		p.boot(small)
	case pass:
		w.now += int64(passes[int(s.a)%len(passes)])
	case jump:
		d := int64(jumps[int(s.a)%len(jumps)])
		p.clock += d
		p.jumped = w.now
		p.back += max(0, -d)
		w.ahead += max(0, d)
	case redisJump:
		d := int64(jumps[int(s.a)%len(jumps)])
		w.master.clock += d
		w.redis += max(d, -d)
	}
}

// failOver lets another run of a server take over: an empty one, the replica as it is, or one that has read all data from disk. When the fleet is split,
// only one process hears of it, and the others stay with the old one for a while.
func (w *modelWorld) failOver(kind int, p *modelProcess, split bool) {
	old := w.master
	switch kind {
	case 0:
		w.master = &modelServer{values: map[Key]modelValue{}, leases: map[Key]*modelLease{}, clock: -old.clock}
	case 1:
		w.master = w.replica.copied()
	default:
		w.master = old.copied()
	}
	w.runs++
	w.master.run, w.master.born = w.runs, len(w.logged)
	for _, q := range w.processes {
		if q == p || !split {
			q.port.server = w.master
		}
	}
}

func (p *modelProcess) flush() int {
	if p.writing {
		return 0
	}
	p.writing = true
	n, err := p.store.journal.Flush(context.Background())
	p.writing = false
	if err == nil && p.store.Stats().Queued == 0 {
		p.carries()
	}
	return n
}

func (p *modelProcess) catchUp(page int) {
	if p.reading {
		return
	}
	p.reading = true
	p.port.page = page
	err := p.store.journal.CatchUp(context.Background())
	p.reading = false
	if err == nil {
		p.hasRead()
	}
}

func (p *modelProcess) takeFill(i int) *modelFill {
	if len(p.fills) == 0 {
		return nil
	}
	i %= len(p.fills)
	f := p.fills[i]
	p.fills = append(p.fills[:i:i], p.fills[i+1:]...)
	return f
}

func (p *modelProcess) complete(i int, form uint8) {
	f := p.takeFill(i)
	if f == nil {
		return
	}
	if m := p.w.mutant; m != nil && m.complete != nil {
		m.complete(f.fill)
	}
	if f.old != nil {
		p.w.counts.lagging++
	}
	d := &Draft{Body: answer(f, p.w.now), TTL: time.Hour, StaleFor: modelStale, Tags: modelKeys[f.key].tags}
	d.FetchMicros = uint32(min(max((p.local()-f.from)/1000, 0), math.MaxUint32))
	d.Private = p.w.private && f.key == privateKey
	if form > 0 {
		switch i % 3 {
		case 0:
			d.TTL = time.Second
		case 1:
			d.Body = append(d.Body, make([]byte, 4<<10)...) // too large to keep
		}
	}
	if m := p.w.mutant; p.w.lags && (m == nil || !m.hasty) && p.store.Unsettled(d.Tags, modelHold, f.from) { // as a sidecar does
		d.TTL = min(d.TTL, modelHold)
	}
	now := p.moment()
	p.completing = f
	e := f.fill.Complete(d, p.local())
	p.completing = nil
	p.served(&now, f.key, e, Stale)
}

func (p *modelProcess) abandon(i int, mark bool) {
	f := p.takeFill(i)
	if f == nil {
		return
	}
	d := time.Duration(0)
	if mark {
		d = time.Second
	}
	f.fill.Abandon(d)
}

func (p *modelProcess) declare(what int, soft bool) {
	x := &told{tick: p.w.tick, when: p.w.now, by: p, inv: modelInvalidations[what]}
	x.inv.Soft = soft
	if what == len(modelInvalidations)-1 {
		for i := range 20 {
			x.inv.Tags = append(x.inv.Tags, fmt.Sprint("flood", p.w.tick, ".", i))
		}
	}
	p.asked = append(p.asked, x)
	boot := p.boots
	obeyed := false
	ctx := &waiting{Context: context.Background(), p: p, key: -1, x: x}
	receipt, err := p.store.Invalidate(ctx, x.inv, p.local())
	if boot == p.boots {
		p.obey(x)
		obeyed = true
	}
	if err != nil || receipt.Logged && !x.logged {
		p.w.fail("%s: receipt %+v of %s, which is in no log (obeyed %v): %v", p.name, receipt, x, obeyed, err)
	}
}

// heals checks that the fleet is a cache again when all is well: what one fills, the others serve.
func (w *modelWorld) heals() {
	for range 3 {
		for _, p := range w.processes {
			p.port.down, p.port.noReply, p.port.partial, p.port.late = false, false, false, false
			p.clock, p.port.server = 0, w.master
			for len(p.fills) > 0 {
				p.abandon(0, false)
			}
			for n := 0; p.flush() > 0; n++ {
				if n == 1000 {
					w.fail("%s: what waits for the log never comes to an end: %+v", p.name, p.store.Stats())
				}
			}
		}
		for _, p := range w.processes {
			p.catchUp(0)
		}
	}
	w.now += w.ahead + int64(26*time.Hour) // longer than any life by any clock: no entry, and no marker, of before counts
	for _, p := range w.processes {
		p.catchUp(0)
	}
	filler := w.processes[0]
	for key := range modelKeys {
		if filler.look(uint8(key), false) {
			filler.complete(len(filler.fills)-1, 0)
		}
		for _, p := range w.processes {
			r := p.store.Lookup(context.Background(), modelKeys[key].key, p.local(), Wait{})
			if r.State != Fresh || r.Fill != nil {
				w.fail("%s answers %s %v after all is well: %+v", p.name, modelKeys[key].name, r.State, p.store.clock.State())
			}
			now := p.moment()
			p.served(&now, key, r.Entry, r.State)
		}
	}
}

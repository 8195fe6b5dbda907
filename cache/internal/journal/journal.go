package journal

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// Config sets up a Journal. All fields but Source and Logger must be set.
type Config struct {
	Source    Source // nil: the clock is its own log
	Clock     *tombstone.Clock
	Author    string // unique to this process
	Queue     int    // invalidations that may wait for the log
	QueueTags int    // and the names in them
	Join      int    // records a new process reads before it gives up and raises the floor
	Retention time.Duration
	Lost      time.Duration // without contact for longer: degraded
	Now       func() int64
	Logger    *slog.Logger
}

const (
	pageRecords   = 1000
	batchRecords  = 256
	expireEvery   = int64(10 * time.Second)
	callTimeout   = 2 * time.Second
	shortestPause = 20 * time.Millisecond
	longestPause  = 250 * time.Millisecond
)

// Journal is safe for concurrent use; CatchUp and Flush each by one goroutine at a time.
type Journal struct {
	cfg   Config
	queue queue

	contact     atomic.Int64 // unix ns: what the log held then is applied; 0 without Source
	live        atomic.Bool  // the last call to the log succeeded
	synced      atomic.Bool  // all of the log that matters was applied once
	members     atomic.Int64 // readers of the log, as of the last page; negative: not known
	delay       atomic.Int64 // ns from the append of the last record to its reading, by the log's clock
	delayed     atomic.Int64 // sum of it
	generations atomic.Uint64
	appended    atomic.Uint64
	appendErrs  atomic.Uint64

	last       entry.Position // reader's: last record applied; zero before the first page
	epoch      uint64
	unsaid     bool // something was applied that the next Sync has to say at once: a fence, or another generation
	nextExpire int64
}

// New returns a Journal; Run starts it.
func New(cfg Config) *Journal {
	j := &Journal{cfg: cfg}
	j.queue.init(&cfg)
	if cfg.Source != nil {
		j.contact.Store(max(1, cfg.Now()))
	}
	return j
}

// Contact returns the time (unix ns) up to which the log is known; 0 when there is no other log than the clock.
func (j *Journal) Contact() int64 { return j.contact.Load() }

// Live reports whether the log was read and the last call to it succeeded; true when there is no other log than the clock.
func (j *Journal) Live() bool { return j.cfg.Source == nil || j.live.Load() }

// Synced reports whether all of the log that matters was applied once: before it, a value that others have filled cannot be judged.
func (j *Journal) Synced() bool { return j.cfg.Source == nil || j.synced.Load() }

// Stats are counters since New and gauges.
type Stats struct {
	Members                                     int           // readers of the log, this one included; negative: not known
	Delay, Delays                               time.Duration // from a record's append to its reading: of the last one, and the sum
	Generations, Appended, AppendErrors, Merges uint64
	Queued                                      int
}

// Stats returns a snapshot.
func (j *Journal) Stats() Stats {
	queued, merges := j.queue.size()
	return Stats{
		Generations: j.generations.Load(), Appended: j.appended.Load(), AppendErrors: j.appendErrs.Load(),
		Queued: queued, Merges: merges,
		Members: int(j.members.Load()), Delay: time.Duration(j.delay.Load()), Delays: time.Duration(j.delayed.Load()),
	}
}

// Invalidate makes the names count here at once. Without a Source the ticket is done on return.
func (j *Journal) Invalidate(n *tombstone.Names, now int64) *Ticket {
	if j.cfg.Source == nil {
		t := &Ticket{done: make(chan struct{})}
		j.expire(now, uint64(now/1e6))
		t.finish(j.cfg.Clock.ApplyNext(n, uint64(now/1e6)))
		return t
	}
	return j.queue.put(n)
}

// Run reads and appends until ctx ends.
func (j *Journal) Run(ctx context.Context) {
	if j.cfg.Source == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		j.append(ctx)
	}()
	j.read(ctx)
	<-done
}

func (j *Journal) read(ctx context.Context) {
	pause := shortestPause
	connected := false
	for ctx.Err() == nil {
		err := j.CatchUp(ctx)
		if err == nil {
			if !connected {
				connected = true
				j.live.Store(true)
				j.queue.poke()
				j.cfg.Logger.Info("invalidation log connected", "position", j.last.String())
			}
			pause = shortestPause
			if j.unsaid { // the next call says it
				continue
			}
			err = j.cfg.Source.Await(ctx, j.last, j.beat())
		}
		if err == nil {
			continue
		}
		if connected && ctx.Err() == nil {
			connected = false
			j.live.Store(false)
			j.cfg.Logger.Warn("invalidation log lost: entries are kept for a short time only until Redis answers again; see that it runs and can be reached from here", "error", err)
		}
		sleep(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// beat is how long to wait for news before the log is looked at anyway.
func (j *Journal) beat() time.Duration { return min(time.Second, j.cfg.Lost/2) }

// CatchUp applies what the log holds beyond what was read.
func (j *Journal) CatchUp(ctx context.Context) error {
	for read := 0; ; {
		at, answered := j.cfg.Now(), j.queue.answeredUpTo()
		page, err := j.cfg.Source.Sync(ctx, j.last, pageRecords, j.cfg.Retention)
		if err != nil {
			return err
		}
		j.cfg.Clock.LogTime(page.TimeMS, at)
		read += len(page.Records)
		j.unsaid = false
		more := j.take(&page, read)
		if more {
			continue
		}
		j.queue.settle(answered) // was read by now, lies before the floor, or went into a log that is gone
		j.contact.Store(max(1, at))
		j.synced.Store(true)
		j.members.Store(int64(page.Members))
		j.expire(at, page.TimeMS)
		return nil
	}
}

// take applies a page and reports whether the log holds more.
func (j *Journal) take(page *Page, read int) (more bool) {
	joining := j.last.IsZero()
	switch {
	case page.Epoch != j.epoch && !joining, !page.Whole, j.epoch == 0 && !joining:
		// Another log, or records are missing: only what was filled from here on can be trusted.
		if page.Epoch != j.epoch && !joining {
			j.queue.renew()
		}
		j.restart(page, page.Head)
		return false
	case joining:
		// Nothing before the first record can be judged.
		base := page.Head
		if len(page.Records) > 0 {
			base = page.Records[0].Position
		}
		j.restart(page, base)
	}
	for i := range page.Records {
		r := &page.Records[i]
		if !joining && !j.last.Less(r.Position) {
			continue
		}
		j.apply(r)
	}
	if n := len(page.Records); n > 0 {
		if p := page.Records[n-1].Position; !joining && j.last.Less(p) && p.MS <= page.TimeMS {
			d := int64(time.Duration(page.TimeMS-p.MS) * time.Millisecond)
			j.delay.Store(d)
			j.delayed.Add(d)
		}
		j.last = page.Records[n-1].Position
	}
	if j.last.Less(page.Head) && read > j.cfg.Join {
		j.restart(page, page.Head)
	}
	return j.last.Less(page.Head)
}

func (j *Journal) restart(page *Page, floor entry.Position) {
	if page.Epoch != j.epoch {
		j.generations.Add(1)
	}
	j.epoch, j.last, j.unsaid = page.Epoch, floor, true
	j.cfg.Clock.Restart(page.Epoch, floor, floor)
}

func (j *Journal) apply(r *Record) {
	j.unsaid = j.unsaid || r.Names.Empty() // a fence: somebody waits to hear who has come so far
	if r.Author == j.cfg.Author && j.queue.read(r.Number, r.Position) {
		j.cfg.Clock.Advance(r.Position) // counts here since it was asked for
		return
	}
	j.cfg.Clock.Apply(&r.Names, r.Position)
}

func (j *Journal) expire(now int64, ms uint64) {
	keep := uint64(j.cfg.Retention / time.Millisecond)
	if j.cfg.Source == nil {
		j.queue.mu.Lock() // callers are concurrent
		defer j.queue.mu.Unlock()
	}
	if now < j.nextExpire || ms < keep {
		return
	}
	j.nextExpire = now + expireEvery
	j.cfg.Clock.Expire(entry.Position{MS: ms - keep})
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

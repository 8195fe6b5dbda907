package subgraph

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/proxy/internal/codes"
)

// A shared exchange has members: the call that sent it, and those that joined while it was under way. Whoever wants the answer first reads it,
// and the others wait for the reader alone, who waits for nothing but the subgraph. So no two calls can wait for each other, whatever the order
// is in which their owners send and receive, and a member whose owner is slow to receive delays nobody. A member that leaves ends the exchange
// when it was the last one; if it reads, it reads on for the others.
//
// Lock order: Leash.mu of a member, lane.mu, Leash.mu of an exchange, Leash.mu of a hedge.

const (
	laneCount = 64
	laneWidth = 8 // exchanges under way that can be found in a lane
	// maxRounds is how often a call joins before it sends a request of its own that nobody can find.
	maxRounds = 4
	// joinable is which part of a client's timeout an exchange can be joined in: one that hangs holds up those who came early, and nobody else.
	joinable = 10
)

// lane holds exchanges under way by a part of their hash.
type lane struct {
	mu    sync.Mutex
	under [laneWidth]*exchange
}

// state of a shared exchange.
type state uint8

const (
	sending state = iota // by a member
	sent                 // and nobody reads the answer
	reading              // a member does
	ended
)

// shared is what an exchange has for those who share it.
type shared struct {
	lane    *lane  // nil: it is not shared; all below is guarded by the lane
	lines   int    // where they begin in the request
	own     int    // where what an answer depends on ends
	body    int    // where it begins
	hash    uint64 // of the two
	news    uint64
	barrier uint64
	began   time.Time
	common  Leash // ends it when all members have left
	state   state
	members int     // that have not left
	holders int     // of the memory
	waiters []*Call // until the state changes
	answer  []byte
	err     error
}

// sharer is what a call has for sharing.
type sharer struct {
	ctx     context.Context
	client  *Client
	ask     Ask // without body
	lane    *lane
	wake    chan struct{} // one token for each wait
	joined  bool          // another call sent the request
	left    bool          // guarded by the lane: its client did
	waiting bool          // guarded by the lane
}

// member is a call as something that a leash holds.
type member Call

var errBroken error = failure(codes.SubgraphClosed, errors.New("the exchange broke off"))

// Bar keeps requests from joining those that are under way already: something has changed since they were sent.
func (c *Client) Bar() { c.barrier.Add(1) }

// Barred is how often Bar was called.
func (c *Client) Barred() uint64 { return c.barrier.Load() }

// Joined reports whether another call made the exchange.
func (k *Call) Joined() bool { return k.sharer.joined }

// Began is when the exchange of the call did; what it answers may be as old.
func (k *Call) Began() time.Time { return k.x.began }

// share joins an identical exchange, or sends one that others may join.
func (k *Call) share(ctx context.Context, c *Client, a *Ask) error {
	s := &k.sharer
	s.ctx, s.client, s.ask, s.left = ctx, c, *a, false
	s.ask.Body = nil
	hash := xxh3.HashSeed(a.Body, xxh3.Hash(a.Lines[:a.Own]))
	s.lane = &c.lanes[hash%laneCount]
	if !a.Leash.Hold((*member)(k)) {
		return failure(codes.SubgraphClosed, errLeft)
	}
	barrier := c.barrier.Load()
	l := s.lane
	l.mu.Lock()
	if s.left {
		l.mu.Unlock()
		a.Leash.Let((*member)(k))
		return failure(codes.SubgraphClosed, errLeft)
	}
	x := l.find(hash, a, barrier)
	if x != nil {
		x.members++
		x.holders++
		k.x, s.joined = x, true
		l.mu.Unlock()
		c.counts.shared.Add(1)
		return nil
	}
	x = k.memory(c)
	x.common.Reset()
	x.prepare(ctx, c, a, &x.common)
	x.lane, x.hash, x.own, x.news, x.barrier, x.began = l, hash, x.lines+a.Own, a.News, barrier, a.Now
	x.state, x.members, x.holders, x.answer, x.err = sending, 1, 1, nil, nil
	k.x = x
	l.put(x)
	l.mu.Unlock()
	err := x.lead(a)
	if err != nil {
		a.Leash.Let((*member)(k))
	}
	return err
}

// lead sends, and tells those who joined meanwhile.
func (x *exchange) lead(a *Ask) (err error) {
	err = errBroken // if this panics
	defer func() {
		x.lane.mu.Lock()
		defer x.lane.mu.Unlock()
		if err != nil {
			x.end(nil, err)
			return
		}
		x.state = sent
		x.wakeOne()
	}()
	err = x.send(a)
	return err
}

// find returns an exchange under way that a request may join.
func (l *lane) find(hash uint64, a *Ask, barrier uint64) *exchange {
	for _, x := range l.under {
		if x != nil && x.hash == hash && a.Now.Sub(x.began) <= x.client.cfg.Timeout/joinable && x.news == a.News && x.barrier == barrier && !a.Deadline.Before(x.deadline) &&
			bytes.Equal(x.request[x.lines:x.own], a.Lines[:a.Own]) && bytes.Equal(x.request[x.body:], a.Body) {
			return x
		}
	}
	return nil
}

// put makes an exchange one that others find, in place of one of the same hash; where there is no room nobody finds it.
func (l *lane) put(x *exchange) {
	room := -1
	for i, other := range l.under {
		if other == nil {
			room = i
		} else if other.hash == x.hash {
			room = i
			break
		}
	}
	if room >= 0 {
		l.under[room] = x
	}
}

func (l *lane) remove(x *exchange) {
	if i := slices.Index(l.under[:], x); i >= 0 {
		l.under[i] = nil
	}
}

// receiveShared waits for the answer and reads it if nobody else does. What failed for a reason of the one who sent it is asked for anew.
func (k *Call) receiveShared() (content []byte, err error) {
	defer func() { k.sharer.ask.Leash.Let((*member)(k)) }()
	for round := 1; ; round++ {
		content, err = k.await()
		if err == nil || !k.anew(err) {
			return content, err
		}
		if err = k.sendAnew(round < maxRounds); err != nil {
			return nil, err
		}
		if k.x.lane == nil {
			return k.x.finish()
		}
	}
}

// await returns when the exchange has ended, or the call's own client has left.
func (k *Call) await() (content []byte, err error) {
	x, s := k.x, &k.sharer
	l := x.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	for x.state != ended {
		switch {
		case s.left && (x.members > 0 || x.state != sent):
			if x.state == sent { // it may be this call that was woken to read
				x.wakeOne()
			}
			return nil, failure(codes.SubgraphClosed, errLeft)
		case x.state == sent:
			x.readFor()
		default:
			if s.wake == nil {
				s.wake = make(chan struct{}, 1)
			}
			s.waiting = true
			x.waiters = append(x.waiters, k)
			l.mu.Unlock()
			<-s.wake
			l.mu.Lock()
		}
	}
	return x.answer, x.err
}

// readFor reads for all members. It is called, and returns, with the lane locked.
func (x *exchange) readFor() {
	x.state = reading
	x.lane.mu.Unlock()
	var content []byte
	err := errBroken // if this panics
	defer func() {
		x.lane.mu.Lock()
		x.end(content, err)
	}()
	content, err = x.finish()
}

// end is called with the lane locked.
func (x *exchange) end(answer []byte, err error) {
	x.state, x.answer, x.err = ended, answer, err
	x.lane.remove(x)
	for len(x.waiters) > 0 {
		x.wakeOne()
	}
}

// wakeOne is called with the lane locked.
func (x *exchange) wakeOne() {
	n := len(x.waiters) - 1
	if n < 0 {
		return
	}
	k := x.waiters[n]
	x.waiters[n] = nil
	x.waiters = x.waiters[:n]
	k.sharer.waiting = false
	k.sharer.wake <- struct{}{}
}

// let gives a hold on the memory up and reports whether it was the last.
func (x *exchange) let() bool {
	x.lane.mu.Lock()
	defer x.lane.mu.Unlock()
	x.holders--
	return x.holders == 0
}

// SetDeadline is how a leash tells that the client has left.
func (m *member) SetDeadline(time.Time) error {
	k := (*Call)(m)
	s := &k.sharer
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	x := k.x
	s.left = true
	if x == nil || x.state == ended {
		return nil
	}
	if s.waiting {
		i := slices.Index(x.waiters, k)
		x.waiters = slices.Delete(x.waiters, i, i+1)
		s.waiting = false
		s.wake <- struct{}{}
	}
	if x.members--; x.members == 0 {
		s.lane.remove(x)
		x.common.Leave()
	}
	return nil
}

// anew reports whether the failure of an exchange that was joined is no answer for the call: whoever sent it was cancelled, or had less time. A
// call that has little time left itself has to do with it.
func (k *Call) anew(err error) bool {
	x, s := k.x, &k.sharer
	if !s.joined || s.isLeft() {
		return false
	}
	left := time.Until(s.ask.Deadline)
	return left > 0 && (x.ctx.Err() != nil || isTimeout(err) && left > s.client.cfg.Timeout/joinable)
}

func (s *sharer) isLeft() bool {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	return s.left
}

// sendAnew sends what was joined, or joins another one.
func (k *Call) sendAnew(share bool) error {
	s := &k.sharer
	before, a := k.x, s.ask
	a.Leash.Let((*member)(k))
	k.x = nil
	a.Now, a.Share = time.Now(), share
	a.Body = before.request[before.body:]
	err := k.Send(s.ctx, s.client, a)
	if before.let() {
		s.client.spare.Put(before)
	}
	return err
}

package load

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	maxConnecting  = 512                   // at once, so that a listener's backlog does not overflow
	reconnectPause = 50 * time.Millisecond // in a closed loop
	cpuInterval    = 100 * time.Millisecond
	wakeIndex      = -2 // of the event that ends the wait
)

// thread is one event loop with its connections. Everything but what mu guards belongs to its goroutine.
type thread struct {
	r         *Runner
	index     int
	poll      *poller
	wake      int       // an eventfd
	addresses []address // of the targets
	links     []link
	free      queue // links that may take a request: idle, or closed and to be opened for it
	paused    queue // closed links of a closed loop that wait before they try again
	oldest    int32 // busy links in the order they were sent
	newest    int32

	stream   Stream
	times    arrival.Times // nil: closed loop
	due      time.Duration // of the next arrival
	hasDue   bool
	left     int64     // requests that may still be sent; below 0: no bound
	freeFrom time.Time // since when a link has been free without a break
	start    time.Time
	counted  time.Time // end of the warm-up
	end      time.Time // zero: none
	ended    bool      // nothing new is sent
	reply    Reply
	cpuNext  time.Time

	lastReply atomic.Int64 // since the start of the run, ns
	asked     atomic.Int64 // requests sent
	concluded atomic.Int64 // of these, answered or failed
	cpu       atomic.Int64 // ns of processor time
	cpuBase   time.Duration

	mu       sync.Mutex
	delta    tally   // since the last fold
	ops      []tally // of the whole run, by operation
	service  result.Histogram
	lateness result.Histogram
	waited   int64
}

func newThread(r *Runner, index, connections, firstTarget int, left int64) (*thread, error) {
	t := &thread{
		r: r, index: index, links: make([]link, connections), oldest: none, newest: none, left: left, wake: -1, freeFrom: time.Now(),
		free: newQueue(connections), paused: newQueue(connections), stream: r.cfg.Source.Stream(r.cfg.Seed, index), delta: newTally(),
		service: result.NewHistogram(), lateness: result.NewHistogram(),
	}
	for _, a := range r.addresses {
		t.addresses = append(t.addresses, a.clone())
	}
	for range r.labels {
		t.ops = append(t.ops, newTally())
	}
	for i := range t.links {
		t.links[i] = link{index: int32(i), fd: -1, target: (firstTarget + i) % len(r.cfg.Targets), prev: none, next: none}
	}
	var err error
	if t.poll, err = newPoller(); err != nil {
		return nil, err
	}
	if t.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err == nil {
		err = t.poll.watch(t.wake, unix.EPOLL_CTL_ADD, unix.EPOLLIN, wakeIndex, 0)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *thread) close() {
	for i := range t.links {
		t.disconnect(&t.links[i])
	}
	if t.wake >= 0 {
		_ = unix.Close(t.wake) // nothing is lost with it
	}
	t.poll.close()
}

// interrupt ends a wait from another goroutine.
func (t *thread) interrupt() {
	_, _ = unix.Write(t.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails only when an earlier call has not been seen yet
}

// run opens the connections, tells ready, waits for begin, and then sends until its bounds or ctx end it. The goroutine has a thread of the system to
// itself meanwhile. The thread must go on after it: children of this program that were started by it would be told that their parent died (Pdeathsig).
func (t *thread) run(ctx context.Context, ready func(), begin <-chan struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer exactTimers()()
	stop := context.AfterFunc(ctx, t.interrupt)
	defer stop()
	t.open(ctx)
	ready()
	<-begin
	if ctx.Err() != nil {
		return
	}
	t.cpuBase = threadTime()
	t.start, t.counted, t.end = t.r.start, t.r.counted, t.r.end
	if t.r.cfg.Arrivals != nil {
		t.times = t.r.cfg.Arrivals.Times(t.index, len(t.r.threads), t.r.cfg.Seed)
		t.advance()
	}
	t.loop(ctx)
	t.cpu.Store(int64(threadTime() - t.cpuBase))
}

// open connects all links before the run starts.
func (t *thread) open(ctx context.Context) {
	deadline := time.Now().Add(openWithin)
	var connectingNow, at int
	for ctx.Err() == nil {
		for ; at < len(t.links) && connectingNow < maxConnecting; at++ {
			l := &t.links[at]
			if t.dial(l) == nil && l.state == connecting {
				connectingNow++
			}
		}
		if at == len(t.links) && connectingNow == 0 || !time.Now().Before(deadline) {
			break
		}
		events, err := t.poll.wait(time.Until(deadline))
		if err != nil {
			break
		}
		for i := range events {
			if l := t.of(&events[i]); l != nil && l.state == connecting {
				connectingNow--
				if err := t.establish(l); err != nil {
					t.r.connectError(l.target, err)
				}
			}
		}
	}
	for i := range t.links {
		if t.links[i].state == connecting {
			t.r.connectError(t.links[i].target, os.ErrDeadlineExceeded)
			t.disconnect(&t.links[i])
		}
		t.free.push(int32(i))
	}
}

// of is the link of an event; nil when it is the wake-up or an event of an earlier socket.
func (t *thread) of(e *unix.EpollEvent) *link {
	if e.Fd == wakeIndex {
		var b [8]byte
		_, _ = unix.Read(t.wake, b[:]) // empties it
		return nil
	}
	if l := &t.links[e.Fd]; l.generation == e.Pad {
		return l
	}
	return nil
}

// dial begins to connect a closed link.
func (t *thread) dial(l *link) error {
	fd, done, err := t.addresses[l.target].dial()
	if err == nil {
		l.fd, l.generation, l.used = fd, l.generation+1, false
		events := uint32(unix.EPOLLOUT)
		if done {
			events = unix.EPOLLIN
		}
		if err = t.poll.watch(fd, unix.EPOLL_CTL_ADD, events, l.index, l.generation); err == nil {
			l.state = connecting
			if done {
				l.state = idle
				t.r.connected(l.target)
			}
			return nil
		}
		t.disconnect(l)
	}
	t.r.connectError(l.target, err)
	return err
}

// establish ends the connecting of a link.
func (t *thread) establish(l *link) error {
	err := connected(l.fd)
	if err == nil {
		err = t.poll.watch(l.fd, unix.EPOLL_CTL_MOD, unix.EPOLLIN, l.index, l.generation)
	}
	if err != nil {
		t.disconnect(l)
		return err
	}
	l.state = idle
	t.r.connected(l.target)
	return nil
}

// disconnect closes the socket of a link.
func (t *thread) disconnect(l *link) {
	if l.fd >= 0 {
		_ = unix.Close(l.fd) // nothing waits on it
	}
	l.fd, l.state, l.writing = -1, closed, false
}

// queue is a ring of link indices with room for every link.
type queue struct {
	at       []int32
	from, to int
}

func newQueue(n int) queue { return queue{at: make([]int32, n+1)} }

func (q *queue) empty() bool { return q.from == q.to }

func (q *queue) push(i int32) {
	q.at[q.to] = i
	q.to = (q.to + 1) % len(q.at)
}

func (q *queue) pop() int32 {
	i := q.at[q.from]
	q.from = (q.from + 1) % len(q.at)
	return i
}

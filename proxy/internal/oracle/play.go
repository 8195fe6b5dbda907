package oracle

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Dialer starts a sidecar in front of the origin at the address and returns the address where it listens. stop ends it and returns when
// all its connections are closed.
type Dialer func(originAddr string) (addr string, stop func(), err error)

// Direct is no sidecar at all.
func Direct(originAddr string) (addr string, stop func(), err error) {
	return originAddr, func() {}, nil
}

// Result is what both sides of a scenario saw.
type Result struct {
	Client  Record
	Origins []Record // one for each connection on which the origin received or sent anything
	Heap    int64    // most bytes by which the heap had grown, when the scenario bounds it
}

// theatre is an origin's listener and a sidecar in front of it; scenarios are played in it one after the other.
type theatre struct {
	listener net.Listener
	address  string
	stop     func()
	patience time.Duration
	accepted sync.WaitGroup

	mu      sync.Mutex
	current *stage
	script  []Step
	cut     int64
}

func open(start Dialer, patience time.Duration) (*theatre, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	th := &theatre{listener: l, patience: patience}
	if th.address, th.stop, err = start(l.Addr().String()); err != nil {
		l.Close()
		return nil, fmt.Errorf("start the sidecar: %w", err)
	}
	th.accepted.Go(th.accept)
	return th, nil
}

// close ends the sidecar first, so that no connection comes late.
func (th *theatre) close() {
	th.stop()
	th.listener.Close()
	th.accepted.Wait()
}

func (th *theatre) accept() {
	for {
		conn, err := th.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		th.mu.Lock()
		st, script, cut := th.current, th.script, th.cut
		th.mu.Unlock()
		if st == nil {
			conn.Close()
			continue
		}
		st.mu.Lock()
		s := st.start(conn, cut)
		st.origins = append(st.origins, s)
		st.running++
		st.mu.Unlock()
		th.accepted.Go(func() {
			s.play(script)
			st.mu.Lock()
			st.running--
			st.changed.Broadcast()
			st.mu.Unlock()
		})
	}
}

// play plays one scenario. Without a direct line, an origin that sees nothing is fine when the scenario is to be refused.
func (th *theatre) play(s Scenario) (Result, error) {
	st := newStage()
	th.mu.Lock()
	th.current, th.script, th.cut = st, s.Origin, s.CutOrigin
	th.mu.Unlock()
	defer st.guard(th.patience)()
	conn, err := net.Dial("tcp", th.address)
	if err != nil {
		return Result{}, err
	}
	var heap *heapWatch
	if s.MaxHeap > 0 {
		heap = watchHeap()
	}
	st.mu.Lock()
	st.client = st.start(conn, s.CutClient)
	st.mu.Unlock()
	st.client.play(s.Client)
	st.mu.Lock()
	for !st.expired && (st.running > 0 || len(st.origins) == 0 && s.Refuse == (Refusal{})) {
		st.changed.Wait()
	}
	for st.running > 0 { // cut off: the scripts return
		st.changed.Wait()
	}
	origins := st.origins
	st.mu.Unlock()
	r := Result{Client: st.client.record(), Heap: heap.stop()}
	for _, o := range origins {
		if rec := o.record(); rec.Total > 0 || o.sent > 0 {
			r.Origins = append(r.Origins, rec)
		}
	}
	return r, nil
}

package oracle

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// End is how a side saw the other one end.
type End uint8

// Ends.
const (
	Open       End = iota // not, until this side was cut off
	EOF                   // orderly
	WasReset              // by a reset
	ClosedSelf            // this side closed first
)

var endNames = [...]string{"open", "EOF", "reset", "closed by itself"}

func (e End) String() string { return endNames[e] }

const keptBytes = 256 << 10

// Record is what one side received.
type Record struct {
	Total int64
	Kept  []byte // the beginning
	Sum   [sha256.Size]byte
	End   End
	Note  string // where the script got stuck or could not go on; empty: it was played to its end
}

// stage is one play: both sides share its lock, for each waits for the other.
type stage struct {
	mu      sync.Mutex
	changed *sync.Cond
	expired bool
	moved   int64 // bytes that were written and read, and ends that were seen
	client  *side
	origins []*side
	running int
}

func newStage() *stage {
	st := &stage{}
	st.changed = sync.NewCond(&st.mu)
	return st
}

// side is one end of one connection.
type side struct {
	st   *stage
	conn *net.TCPConn
	cut  int64

	table socketTable // when there is a cut; the script's own

	// Under the stage's lock.
	total, sent int64
	kept        []byte
	sum         hash.Hash
	end         End
	ended, self bool
	note        string

	readerDone chan struct{}
}

// start begins to read; the stage's lock is held.
func (st *stage) start(conn net.Conn, cut int64) *side {
	s := &side{st: st, conn: conn.(*net.TCPConn), cut: cut, sum: sha256.New(), readerDone: make(chan struct{})}
	if st.expired {
		s.conn.Close()
	}
	go s.read()
	return s
}

func (s *side) read() {
	defer close(s.readerDone)
	b := make([]byte, 64<<10)
	for {
		n, err := s.conn.Read(b)
		s.st.mu.Lock()
		s.total += int64(n)
		s.st.moved += int64(n)
		s.sum.Write(b[:n])
		s.kept = append(s.kept, b[:min(n, keptBytes-len(s.kept))]...)
		if err != nil && !s.st.expired { // being cut off is not the other side's end
			s.ended = true
			s.st.moved++
			switch {
			case s.self:
				s.end = ClosedSelf
			case errors.Is(err, io.EOF):
				s.end = EOF
			case errors.Is(err, syscall.ECONNRESET):
				s.end = WasReset
			}
		}
		s.st.changed.Broadcast()
		s.st.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await waits until done says so; the lock is held when done is called. It reports false when the play was cut off.
func (s *side) await(done func() bool) bool {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	for !done() {
		if s.st.expired {
			return false
		}
		s.st.changed.Wait()
	}
	return true
}

// arrived is how many bytes the other side has received; the lock is held.
func (s *side) arrived() (n int64) {
	if s != s.st.client {
		return s.st.client.total
	}
	for _, o := range s.st.origins {
		n = max(n, o.total)
	}
	return n
}

// play does what the script says, waits for the other side's end, and closes.
func (s *side) play(script []Step) {
	defer func() {
		if s.table != nil {
			s.table.close()
		}
	}()
	due := int64(0)
	for i, step := range script {
		if why := s.step(step, &due); why != "" {
			s.st.mu.Lock()
			s.note = fmt.Sprintf("step %d of %d: %s", i+1, len(script), why)
			s.st.mu.Unlock()
			s.conn.Close()
			<-s.readerDone
			return
		}
	}
	if !s.await(func() bool { return s.ended }) {
		s.st.mu.Lock()
		s.note = "waits for the other side's end"
		s.st.mu.Unlock()
	}
	s.conn.Close()
	<-s.readerDone
}

// step does one step; it says why the script cannot go on.
func (s *side) step(step Step, due *int64) (why string) {
	switch step.action {
	case send:
		s.write(step.data)
	case generate:
		s.generate(step)
	case receive:
		*due += step.n
		want := *due
		enough := false
		if !s.await(func() bool { enough = s.total >= want; return enough || s.ended }) {
			return fmt.Sprintf("stuck, has %d of %d bytes", s.total, want)
		}
		if !enough {
			return fmt.Sprintf("the other side ended behind %d of %d bytes", s.total, want)
		}
	case arrive:
		if !s.await(func() bool { return s.arrived() >= s.sent || s.ended }) {
			return "stuck, the other side has not received all that was sent"
		}
	case closeWrite:
		_ = s.conn.CloseWrite()
	case closeBoth, reset:
		s.st.mu.Lock()
		s.self = true
		s.st.mu.Unlock()
		if step.action == reset {
			_ = s.conn.SetLinger(0)
		}
		s.conn.Close()
	case awaitEnd:
		if !s.await(func() bool { return s.ended }) {
			return "stuck, the other side does not end"
		}
	}
	return ""
}

// write sends data, split where the scenario says. That the other side no longer reads is no failure of the script.
func (s *side) write(data []byte) {
	if s.cut != 0 && s.table == nil {
		s.table = openSocketTable()
	}
	for len(data) > 0 {
		s.st.mu.Lock()
		part := data
		switch {
		case s.cut == Drip:
			part = data[:1]
		case s.cut > s.sent && s.cut < s.sent+int64(len(data)):
			part = data[:s.cut-s.sent]
		}
		s.sent += int64(len(part))
		s.st.moved += int64(len(part))
		s.st.mu.Unlock()
		if _, err := s.conn.Write(part); err != nil {
			return
		}
		if data = data[len(part):]; len(data) > 0 {
			drained(s.table, s.conn)
		}
	}
}

const (
	blockSize = 64 << 10
	chunkLine = "10000\r\n"
)

func (s *side) generate(step Step) {
	block := make([]byte, blockSize)
	for i := range block {
		block[i] = byte(i * 31 >> 3)
	}
	if step.chunk {
		block = append(append([]byte(chunkLine), block...), "\r\n"...)
	}
	for range step.n / blockSize {
		s.st.mu.Lock()
		s.sent += int64(len(block))
		s.st.moved += int64(len(block))
		s.st.mu.Unlock()
		if _, err := s.conn.Write(block); err != nil {
			return
		}
	}
}

// record is what the side received; its script has ended.
func (s *side) record() Record {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	r := Record{Total: s.total, Kept: s.kept, End: s.end, Note: s.note}
	s.sum.Sum(r.Sum[:0])
	return r
}

// longest is how many times its patience a play may take that moves all the time.
const longest = 15

// guard cuts the play off when nothing has moved for as long as patience, until it is ended.
func (st *stage) guard(patience time.Duration) (end func()) {
	over := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(patience)
		defer tick.Stop()
		seen := int64(0)
		for range longest {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			st.mu.Lock()
			moved := st.moved
			st.mu.Unlock()
			if moved == seen {
				break
			}
			seen = moved
		}
		st.expire()
	})
	return func() { close(over); work.Wait() }
}

// expire cuts the play off.
func (st *stage) expire() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.expired = true
	past := time.Unix(1, 0)
	for _, s := range append([]*side{st.client}, st.origins...) {
		if s != nil {
			_ = s.conn.SetDeadline(past)
		}
	}
	st.changed.Broadcast()
}

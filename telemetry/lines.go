package telemetry

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// maxLines bounds the log lines that wait for their reader, in bytes.
const maxLines = 1 << 20

// Lines is a writer of log lines for which nobody waits: one goroutine hands them on, and what does not fit while the reader stands still is
// dropped and counted. A pipe that nobody reads holds up that goroutine alone.
type Lines struct {
	w     io.Writer
	limit int

	mu      sync.Mutex // guards what follows; it is never held while w writes
	waiting []byte
	dropped uint64
	closed  bool

	more chan struct{} // there is something to do
	done chan struct{} // the writer has ended
}

// NewLines starts the writer. Each Write must be of whole lines.
func NewLines(w io.Writer) *Lines { return newLines(w, maxLines) }

func newLines(w io.Writer, limit int) *Lines {
	l := &Lines{w: w, limit: limit, more: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run()
	return l
}

// Write keeps p for the writer, or drops it when too much waits already or Lines is closed. It never waits and never fails.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	if l.closed || len(l.waiting)+len(p) > l.limit {
		l.dropped++
	} else {
		l.waiting = append(l.waiting, p...)
	}
	l.mu.Unlock()
	wake(l.more)
	return len(p), nil
}

// Dropped is how many writes were lost: there was no room, or the reader has gone.
func (l *Lines) Dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

// Close takes no more, and waits until everything is written, no longer than d. It tells whether it was.
func (l *Lines) Close(d time.Duration) bool {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	wake(l.more)
	end := time.NewTimer(d)
	defer end.Stop()
	select {
	case <-l.done:
		return true
	case <-end.C:
		return false
	}
}

func (l *Lines) run() {
	defer close(l.done)
	var batch []byte
	for range l.more {
		for {
			l.mu.Lock()
			batch, l.waiting = l.waiting, batch[:0]
			closed := l.closed
			l.mu.Unlock()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			if n, err := l.w.Write(batch); err != nil {
				lost := bytes.Count(batch[min(n, len(batch)):], []byte("\n"))
				l.mu.Lock()
				l.dropped += uint64(lost)
				l.mu.Unlock()
			}
		}
	}
}

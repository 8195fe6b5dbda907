package fleet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// freezeLimit bounds the wait for the threads of a process on a busy machine.
const freezeLimit = 10 * time.Second

// Freeze stops the process without ending anything of it: connections stay open, and nobody answers. The signal alone would not do: each
// thread goes on until it takes notice, which on a busy machine is long enough for an answer. So Freeze returns when all have stopped.
func (p *Process) Freeze() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	for end := time.Now().Add(freezeLimit); ; time.Sleep(time.Millisecond) {
		running, err := p.running()
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if running == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: %d threads did not stop within %s", p.name, running, freezeLimit)
		}
	}
}

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error {
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// running counts the threads that have not stopped.
func (p *Process) running() (n int, err error) {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(p.PID()) + "/task/*/stat")
	if err != nil {
		return 0, err
	}
	if len(threads) == 0 {
		return 0, os.ErrProcessDone
	}
	for _, path := range threads {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // this thread has ended
		}
		if i := bytes.LastIndexByte(raw, ')'); i < 0 || !bytes.HasPrefix(raw[i+1:], []byte(" T")) {
			n++
		}
	}
	return n, nil
}

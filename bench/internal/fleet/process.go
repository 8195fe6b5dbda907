package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	pollInterval = 20 * time.Millisecond
	killAfter    = 8 * time.Second
	tailBytes    = 2048
)

// Spec describes a process. Path and Dir are needed.
type Spec struct {
	Name string
	Path string // of the program
	Args []string
	Env  []string // added to the environment of this process
	Dir  string   // for the log, NAME.log
	// Ready is polled until it returns nil; nil Ready: ready at once.
	Ready func(ctx context.Context) error
	// CPU pins the process to one processor when above 0 (1 is the first); 0 leaves it alone.
	CPU int
}

// Process is a started process. Its methods may be called at any time, Stop more than once.
type Process struct {
	name    string
	cmd     *exec.Cmd
	logPath string
	done    chan struct{} // closed when it ended
	err     error         // of Wait, valid after done
	stop    sync.Once
	stopErr error
}

// Start starts the process and waits until it is ready. On an error nothing is left running and the message has the end of its log.
func Start(ctx context.Context, s Spec) (*Process, error) {
	p := &Process{name: s.Name, logPath: filepath.Join(s.Dir, s.Name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	defer log.Close()
	p.cmd = exec.Command(s.Path, s.Args...)
	p.cmd.Env = append(os.Environ(), s.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A group of its own: Ctrl-C on the terminal reaches this process alone, which then ends the others in order. If this process is killed they end too.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := launch(p.cmd, s.CPU); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.await(ctx, s.Ready); err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not become ready: %w\n%s", s.Name, err, p.Tail()), p.Kill())
	}
	return p, nil
}

func (p *Process) await(ctx context.Context, ready func(context.Context) error) error {
	if ready == nil {
		return nil
	}
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %s", p.cmd.ProcessState)
		case <-ctx.Done():
			return err
		case <-poll.C:
		}
	}
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// LogPath is the file with what it wrote.
func (p *Process) LogPath() string { return p.logPath }

// Tail is the end of what it wrote.
func (p *Process) Tail() string {
	raw, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	if len(raw) > tailBytes {
		raw = raw[len(raw)-tailBytes:]
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			raw = raw[i+1:]
		}
	}
	return string(raw)
}

// Stop asks the process to end and kills it when it has not after 8 s. The error says how it ended when that was not with 0.
func (p *Process) Stop() error {
	p.stop.Do(func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.stopErr = fmt.Errorf("%s: %w", p.name, err)
		}
		grace := time.NewTimer(killAfter)
		defer grace.Stop()
		select {
		case <-p.done:
		case <-grace.C:
			p.stopErr = errors.Join(fmt.Errorf("%s did not end within %s of SIGTERM and was killed", p.name, killAfter), p.Kill())
			return
		}
		if p.err != nil {
			p.stopErr = errors.Join(p.stopErr, fmt.Errorf("%s: %w", p.name, p.err))
		}
	})
	return p.stopErr
}

// Kill ends the process at once and waits for its end.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.done
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// CPUTime is the processor time used so far, user and system, from /proc/PID/stat (in steps of 10 ms).
func (p *Process) CPUTime() (time.Duration, error) { return CPUTime(p.PID()) }

// clockTick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux architecture that Go supports.
const clockTick = 10 * time.Millisecond

// CPUTime reads utime and stime of a process id.
func CPUTime(pid int) (time.Duration, error) {
	const utime, stime = 11, 12
	return statTime(pid, utime, stime)
}

// statTime adds fields of /proc/PID/stat that are times.
func statTime(pid int, indexes ...int) (time.Duration, error) {
	fields, err := stat(pid, indexes...)
	if err != nil {
		return 0, err
	}
	var ticks int64
	for _, i := range indexes {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// stat reads /proc/PID/stat, which must have the fields that are needed. They are counted after the command, the second field: it stands in parentheses and may
// hold anything.
func stat(pid int, needed ...int) ([][]byte, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	for _, i := range needed {
		if len(fields) <= i {
			return nil, fmt.Errorf("/proc/%d/stat has %d fields after the command", pid, len(fields))
		}
	}
	return fields, nil
}

// FreeAddress returns a loopback address that nobody listens on now.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

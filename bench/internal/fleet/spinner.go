package fleet

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spinner is a process that computes on one processor whenever nobody else wants to, and so keeps it from halting. It begins at rest.
//
// Between two requests of a server that is not busy its processor halts, and a virtual one may take tens of microseconds to come back. Some servers never let it
// come to that: the runtime of Go has a monitor that naps for 20 µs while there is work. Beside them, a server that burns less waits for the machine.
type Spinner struct{ p *Process }

// SpinCommand is the command of weir-bench that runs Spin.
const SpinCommand = "spin"

// StartSpinner starts weir-bench as a spinner on processor cpu (1 is the first).
func StartSpinner(ctx context.Context, bench, dir string, cpu int) (*Spinner, error) {
	s := &Spinner{}
	p, err := Start(ctx, Spec{Name: "spinner", Path: bench, Args: []string{SpinCommand}, Dir: dir, CPU: cpu})
	if err != nil {
		return nil, err
	}
	s.p = p
	if err := errors.Join(p.await(ctx, s.idle), s.Rest()); err != nil {
		return nil, errors.Join(fmt.Errorf("spinner: %w", err), p.Kill())
	}
	return s, nil
}

// idle returns nil when the process has idle priority.
func (s *Spinner) idle(context.Context) error {
	a, err := unix.SchedGetAttr(s.p.PID(), 0)
	if err != nil {
		return err
	}
	if a.Policy != unix.SCHED_IDLE {
		return fmt.Errorf("its scheduling policy is %d", a.Policy)
	}
	return nil
}

// Work begins to keep the processor awake.
func (s *Spinner) Work() error { return s.p.Thaw() }

// Rest ends that. It does not wait for the process, which on a busy machine is slow to take notice: who is so slow takes nothing from anybody.
func (s *Spinner) Rest() error {
	if err := s.p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("%s: %w", s.p.name, err)
	}
	return nil
}

// Stop ends the process.
func (s *Spinner) Stop() error { return s.p.Kill() }

// Spin computes until ctx ends, at idle priority.
func Spin(ctx context.Context) error {
	if err := GiveWay(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		continue
	}
	return nil
}

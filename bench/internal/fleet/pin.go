package fleet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// launch starts cmd, pinned to a processor when cpu is above 0. A child inherits the affinity of the thread that forks it: that thread is pinned for the
// moment and then put back, so that every thread of the child, and its count of processors, obeys from the first instruction.
func launch(cmd *exec.Cmd, cpu int) error {
	if cpu == 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("affinity: %w", err)
	}
	var one unix.CPUSet
	one.Set(cpu - 1)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("pin to processor %d: %w", cpu-1, err)
	}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &before); back != nil && err == nil {
		err = fmt.Errorf("affinity: %w", back)
	}
	return err
}

// PinSelf pins every thread of this process to processor cpu (1 is the first); new threads inherit it.
func PinSelf(cpu int) error {
	var one unix.CPUSet
	one.Set(cpu - 1)
	if err := placeSelf(&one); err != nil {
		return fmt.Errorf("pin to processor %d: %w", cpu-1, err)
	}
	return nil
}

func placeSelf(on *unix.CPUSet) error {
	return ownThreads(func(id int) error { return unix.SchedSetaffinity(id, on) })
}

// ownThreads calls change for every thread of this process; one that has ended meanwhile is no error.
func ownThreads(change func(id int) error) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		if err := change(id); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// PinSelfUntil is PinSelf with a way back: restore puts every thread where this one was allowed to run before.
func PinSelfUntil(cpu int) (restore func() error, err error) {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("affinity: %w", err)
	}
	if err := PinSelf(cpu); err != nil {
		return nil, err
	}
	return func() error { return placeSelf(&before) }, nil
}

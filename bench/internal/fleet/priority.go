package fleet

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// GiveWay runs this process at idle priority (SCHED_IDLE of sched(7)) from now on: any other thread that becomes ready takes the processor at once. Only the
// superuser could take that back.
func GiveWay() error {
	for changed := true; changed; { // a thread that starts meanwhile may come from one that was not changed yet
		changed = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, task := range tasks {
			id, err := strconv.Atoi(task.Name())
			if err != nil {
				return err
			}
			one, err := giveWay(id)
			if err != nil {
				return fmt.Errorf("idle priority: %w", err)
			}
			changed = changed || one
		}
	}
	return nil
}

// giveWay reports whether a thread was at another priority.
func giveWay(thread int) (changed bool, err error) {
	a, err := unix.SchedGetAttr(thread, 0)
	if err == nil && a.Policy != unix.SCHED_IDLE {
		changed = true
		err = unix.SchedSetAttr(thread, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
	}
	if err == unix.ESRCH { // it has ended
		return false, nil
	}
	return changed, err
}

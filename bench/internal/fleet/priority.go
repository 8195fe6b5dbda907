package fleet

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// GiveWay runs this process at idle priority (SCHED_IDLE of sched(7)) from now on: any other thread that becomes ready takes the processor at once. Whoever
// has no privileges cannot take it back (RLIMIT_NICE in sched(7)).
func GiveWay() error {
	for changed := true; changed; { // a thread that starts meanwhile may come from one that was not changed yet
		changed = false
		err := ownThreads(func(id int) error {
			a, err := unix.SchedGetAttr(id, 0)
			if err != nil || a.Policy == unix.SCHED_IDLE {
				return err
			}
			changed = true
			return unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
		})
		if err != nil {
			return fmt.Errorf("idle priority: %w", err)
		}
	}
	return nil
}

package gqltest

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// CPUTime tells how long f kept the processor. Tests of how long something may take ask this: what else the machine does meanwhile,
// other packages' tests above all, does not count.
func CPUTime(t testing.TB, f func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := now()
	f()
	return now() - start
}

package fleet

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// within waits for what idle priority gets to late on a busy machine.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// TestSpinner: it computes while it works and at no other time, and all of its threads leave the processor to anyone who wants it.
func TestSpinner(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := StartSpinner(t.Context(), self, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	used := func() time.Duration {
		d, err := s.p.CPUTime()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	rests := func() {
		t.Helper()
		within(t, "it stops", func() bool {
			n, err := s.p.running()
			return err == nil && n == 0
		})
		before := used()
		time.Sleep(50 * time.Millisecond)
		if d := used() - before; d != 0 {
			t.Errorf("it used the processor for %s at rest", d)
		}
	}
	rests()
	before := used()
	if err := s.Work(); err != nil {
		t.Fatal(err)
	}
	within(t, "it computes", func() bool { return used() > before })
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		if a, err := unix.SchedGetAttr(id, 0); err != nil || a.Policy != unix.SCHED_IDLE {
			t.Errorf("thread %d: %+v, %v", id, a, err)
		}
	}
	if err := s.Rest(); err != nil {
		t.Fatal(err)
	}
	rests()
}

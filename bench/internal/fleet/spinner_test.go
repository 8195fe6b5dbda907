package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
	limited, cancel := context.WithTimeout(t.Context(), time.Minute) // idle priority gets to little on a busy machine
	defer cancel()
	rests := func() {
		t.Helper()
		if err := s.p.await(limited, func(context.Context) error {
			n, err := s.p.running()
			if n > 0 {
				err = fmt.Errorf("%d threads run at rest", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
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
	if err := s.p.await(limited, func(context.Context) error {
		if used() == before {
			return errors.New("it does not compute")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
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

package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Tree is the process id and those of all its living descendants, the parent before its children. A process that ends meanwhile is left out.
func Tree(pid int) ([]int, error) {
	children, err := families()
	if err != nil {
		return nil, err
	}
	if _, err := parent(pid); err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// families are the children of every process.
func families() (map[int][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // no process
		}
		by, err := parent(pid)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", pid, err)
		}
		children[by] = append(children[by], pid)
	}
	return children, nil
}

func parent(pid int) (int, error) {
	const ppid = 1
	fields, err := stat(pid, ppid)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(fields[ppid]))
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// TreeCPUTime is the processor time, user and system, that a process and all its descendants used so far: living ones to the nanosecond by their clocks, those
// that ended and were waited for by the count of their parent.
func TreeCPUTime(pid int) (time.Duration, error) {
	tree, err := Tree(pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, p := range tree {
		own, err := clock(p)
		if err == nil {
			var ended time.Duration
			ended, err = endedChildren(p)
			own += ended
		}
		if err != nil && (p == pid || !gone(err)) {
			return 0, fmt.Errorf("processor time of process %d: %w", p, err)
		}
		sum += own
	}
	return sum, nil
}

// clock reads the processor clock of a process. The id of that clock is made as clock_getcpuclockid makes it: the complement of the process id above the three
// bits that say which clock; 2 is the scheduler's.
func clock(pid int) (time.Duration, error) {
	const scheduler = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &ts); err != nil {
		if errors.Is(err, unix.EINVAL) {
			err = unix.ESRCH // it ended
		}
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}

// endedChildren is the time of children that ended and were waited for.
func endedChildren(pid int) (time.Duration, error) {
	const cutime, cstime = 13, 14
	return statTime(pid, cutime, cstime)
}

// TreePSS is the proportional set size of a process and all its descendants in bytes: what is shared with others counts by its share.
func TreePSS(pid int) (int64, error) {
	tree, err := Tree(pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range tree {
		size, err := pss(p)
		if err != nil && (p == pid || !gone(err)) {
			return 0, fmt.Errorf("memory of process %d: %w", p, err)
		}
		sum += size
	}
	return sum, nil
}

func pss(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(raw) {
		if rest, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("smaps_rollup has no Pss")
}

package vitals

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the processor time a process has used, user and system, to the nanosecond: its own clock counts threads that have ended too, and is finer than the
// ticks of /proc/PID/stat.
func CPU(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED: the id of another process's clock is its inverted id above these three bits
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|sched, &t); err != nil {
		return 0, fmt.Errorf("processor clock of process %d: %w (has it ended?)", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Memory of a process in bytes.
type Memory struct {
	RSS int64
	PSS int64 // pages shared with others count in parts
}

// ReadMemory reads /proc/PID/smaps_rollup.
func ReadMemory(pid int) (Memory, error) {
	path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	raw, err := os.ReadFile(path)
	if err != nil {
		return Memory{}, err
	}
	m, err := parseRollup(raw)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func parseRollup(raw []byte) (m Memory, err error) {
	found := 0
	for line := range bytes.Lines(raw) {
		name, rest, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		var into *int64
		switch string(name) {
		case "Rss":
			into = &m.RSS
		case "Pss":
			into = &m.PSS
		default:
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			return m, fmt.Errorf("%q is not a number of kB", bytes.TrimSpace(line))
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil {
			return m, err
		}
		*into = n << 10
		found++
	}
	if found != 2 {
		return m, fmt.Errorf("%d of the lines Rss and Pss, want 2", found)
	}
	return m, nil
}

// Files is how many files, sockets included, a process has open.
func Files(pid int) (int, error) { return entries(pid, "fd") }

// Threads is how many threads a process has.
func Threads(pid int) (int, error) { return entries(pid, "task") }

func entries(pid int, of string) (int, error) {
	d, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, of))
	if err != nil {
		return 0, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	return len(names), err
}

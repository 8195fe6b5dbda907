package vitals

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Collections are the garbage collections of a span of time.
type Collections struct {
	Cycles int
	CPU    time.Duration // of pauses, assists and the collector's own workers; what it took only because a processor was idle does not count
	LiveMB int64         // marked by the last cycle
	GoalMB int64         // of the heap, for the last cycle
}

// Collector reads a log as it grows. Make it with Follow.
type Collector struct {
	path   string
	offset int64
	last   Collections // of one cycle
}

// Follow reads the trace lines that come to the log from now on.
func Follow(path string) (*Collector, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return &Collector{path: path, offset: info.Size()}, nil
}

// Next adds up the cycles since the last call.
func (c *Collector) Next() (Collections, error) {
	f, err := os.Open(c.path)
	if err != nil {
		return Collections{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.NewSectionReader(f, c.offset, 1<<40))
	if err != nil {
		return Collections{}, err
	}
	end := bytes.LastIndexByte(raw, '\n') + 1 // the rest of a line comes later
	c.offset += int64(end)
	var sum Collections
	for line := range bytes.Lines(raw[:end]) {
		one, ok, err := parseTrace(string(line))
		if err != nil {
			return sum, fmt.Errorf("%s: %w", c.path, err)
		}
		if !ok {
			continue
		}
		c.last = one
		sum = Collections{sum.Cycles + 1, sum.CPU + one.CPU, one.LiveMB, one.GoalMB}
	}
	return sum, nil
}

// Last is the newest cycle that Next has seen; Cycles is 0 when there was none.
func (c *Collector) Last() Collections { return c.last }

var (
	traceLine = regexp.MustCompile(`^gc \d+ @[0-9.]+s \d+%: `)
	traceCPU  = regexp.MustCompile(`clock, ([0-9.e+-]+)\+([0-9.]+)/([0-9.]+)/([0-9.]+)\+([0-9.]+) ms cpu, (\d+)->(\d+)->(\d+) MB, (\d+) MB goal`)
)

// parseTrace reads one line. ok is false for any other line of a log.
func parseTrace(line string) (one Collections, ok bool, err error) {
	if !traceLine.MatchString(line) {
		return one, false, nil
	}
	m := traceCPU.FindStringSubmatch(line)
	if m == nil {
		return one, false, fmt.Errorf("a line of the collector's trace has another form than expected: %q", strings.TrimSpace(line))
	}
	var errs []error
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		errs = append(errs, err)
		return v
	}
	// pause + assist/worker/idle + pause
	ms := number(m[1]) + number(m[2]) + number(m[3]) + number(m[5])
	one = Collections{Cycles: 1, CPU: time.Duration(ms * float64(time.Millisecond)), LiveMB: int64(number(m[8])), GoalMB: int64(number(m[9]))}
	return one, true, errors.Join(errs...)
}

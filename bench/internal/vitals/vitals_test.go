package vitals

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOwnProcess(t *testing.T) {
	pid := os.Getpid()
	before, err := CPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
		sum++
	}
	after, err := CPU(pid)
	if err != nil || after <= before || sum == 0 {
		t.Errorf("the clock went from %s to %s: %v", before, after, err)
	}
	m, err := ReadMemory(pid)
	if err != nil || m.PSS < 1<<20 || m.RSS < m.PSS {
		t.Errorf("memory %+v: %v", m, err)
	}
	files, err := Files(pid)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("vitals_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if more, err := Files(pid); err != nil || more != files+1 {
		t.Errorf("%d files, then %d: %v", files, more, err)
	}
	if n, err := Threads(pid); err != nil || n < 1 {
		t.Errorf("%d threads: %v", n, err)
	}
}

func TestProcessThatIsNotThere(t *testing.T) {
	const none = 1 << 22 // above the highest process id
	if _, err := CPU(none); err == nil || !strings.Contains(err.Error(), "4194304") {
		t.Errorf("%v", err)
	}
	if _, err := ReadMemory(none); err == nil {
		t.Error("memory of no process")
	}
}

func TestRollup(t *testing.T) {
	const good = "55d0-7fff ---p 00000000 00:00 0 [rollup]\nRss:  1024 kB\nPss:   512 kB\nPss_Dirty:  500 kB\n"
	if m, err := parseRollup([]byte(good)); err != nil || m != (Memory{1 << 20, 512 << 10}) {
		t.Errorf("%+v %v", m, err)
	}
	for _, bad := range []string{"", "Rss: 1 kB\n", "Rss: 1 kB\nPss: x kB\n", "Rss: 1 kB\nPss: 2 MB\n"} {
		if m, err := parseRollup([]byte(bad)); err == nil {
			t.Errorf("%q gave %+v", bad, m)
		}
	}
}

const trace = "gc 7 @12.034s 1%: 0.05+20+0.01 ms clock, 0.10+1.5/18.0/40+0.02 ms cpu, 60->62->31 MB, 64 MB goal, 1 MB stacks, 0 MB globals, 2 P\n"

func TestCollectorFollowsALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.log")
	write := func(s string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(s); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	next := func(c *Collector, want Collections) {
		t.Helper()
		if got, err := c.Next(); err != nil || got != want {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
	}
	write(trace)
	c, err := Follow(path)
	if err != nil {
		t.Fatal(err)
	}
	next(c, Collections{})
	one := 19620 * time.Microsecond // 0.10 + 1.5 + 18.0 + 0.02 ms
	write(`{"level":"info"}` + "\n" + trace + trace + trace[:40])
	next(c, Collections{2, 2 * one, 31, 64})
	write(trace[40:])
	next(c, Collections{1, one, 31, 64})
	if c.Last() != (Collections{1, one, 31, 64}) {
		t.Errorf("last: %+v", c.Last())
	}
	write("gc 8 @13.1s 1%: another form\n")
	if _, err := c.Next(); err == nil || !strings.Contains(err.Error(), "another form") {
		t.Errorf("%v", err)
	}
}

func FuzzTrace(f *testing.F) {
	f.Add(trace)
	f.Add("gc 1 @0.1s 0%: clock, 1+1/1/1+1 ms cpu, 1->1->1 MB, 99999999999999999999 MB goal")
	f.Fuzz(func(t *testing.T, line string) {
		if one, ok, err := parseTrace(line); ok && err == nil && one.Cycles != 1 {
			t.Errorf("%q: %+v", line, one)
		}
	})
}

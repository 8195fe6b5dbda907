package fleet

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// The shell burns processor time in a child that it waits for and keeps another child alive.
const forking = `
sleep 600 & sleeper=$!
trap 'kill $sleeper; exit 0' TERM
( i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done )
: > %s
wait
`

func TestTreeCountsDescendants(t *testing.T) {
	flag := t.TempDir() + "/burned"
	p, err := shell(t, fmt.Sprintf(forking, flag), func(context.Context) error {
		_, err := os.Stat(flag)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Tree(p.PID())
	if err != nil || len(tree) != 2 || tree[0] != p.PID() {
		t.Errorf("tree %v, %v: the shell and its sleeper were expected", tree, err)
	}
	own, err := p.CPUTime()
	if err != nil {
		t.Fatal(err)
	}
	all, err := TreeCPUTime(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	if all < own+20*time.Millisecond {
		t.Errorf("%s with descendants, %s without: the child that ended is missing", all, own)
	}
	one, err := pss(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	both, err := TreePSS(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	if one <= 0 || both <= one {
		t.Errorf("%d bytes, %d with the child", one, both)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	for name, read := range map[string]func(int) error{
		"Tree":        func(pid int) error { _, err := Tree(pid); return err },
		"TreeCPUTime": func(pid int) error { _, err := TreeCPUTime(pid); return err },
		"TreePSS":     func(pid int) error { _, err := TreePSS(pid); return err },
	} {
		if read(p.PID()) == nil {
			t.Errorf("%s found a process that ended", name)
		}
	}
}

func TestClockAgreesWithStat(t *testing.T) {
	sum := 0
	for start := time.Now(); time.Since(start) < 100*time.Millisecond; {
		sum += len(slices.Repeat([]byte{1}, 100))
	}
	stat, err := CPUTime(os.Getpid())
	if err != nil || sum == 0 {
		t.Fatal(sum, err)
	}
	exact, err := clock(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if d := exact - stat; d < -2*clockTick || d > 5*clockTick {
		t.Errorf("the clock says %s, stat %s", exact, stat)
	}
}

package soak

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// roleKey chooses what a copy of this test program is: a process that leaks, or one that does not.
const roleKey = "WEIR_SOAK_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleKey); role {
	case "":
		goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
	default:
		behave(role == "leak")
	}
}

// behave works until its input ends.
func behave(leak bool) {
	ended := make(chan struct{})
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		close(ended)
	}()
	fmt.Println("ready")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var kept [][]byte
	var files []*os.File
	for {
		select {
		case <-ended:
			fmt.Println(len(kept), len(files))
			return
		case <-tick.C:
		}
		page := make([]byte, 256<<10)
		for i := range page {
			page[i] = 1
		}
		f, err := os.Open(os.Args[0])
		if err != nil {
			panic(err)
		}
		if !leak {
			if err := f.Close(); err != nil {
				panic(err)
			}
			continue
		}
		kept, files = append(kept, page), append(files, f)
	}
}

// helper starts a copy of this test program.
func helper(t *testing.T, role string) (pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleKey+"="+role)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	return cmd.Process.Pid
}

func TestALeakingProcessIsFoundGrowing(t *testing.T) {
	w := NewWatcher(Subject{Name: "leaky", PID: helper(t, "leak")}, Subject{Name: "tight", PID: helper(t, "tight")})
	const span, warmup = 5 * time.Second, time.Second
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	w.Run(ctx, 50*time.Millisecond)
	verdicts := map[string]string{}
	for _, j := range w.Judge(warmup) {
		verdicts[j.Subject+" "+j.Gauge] = j.Verdict
		t.Logf("%s %s: %+v %s", j.Subject, j.Gauge, j.Slope, j.Verdict)
	}
	for name, want := range map[string]string{"leaky RSS": Growing, "leaky PSS": Growing, "leaky open files": Growing} {
		if verdicts[name] != want {
			t.Errorf("%s: %s, want %s", name, verdicts[name], want)
		}
	}
	for _, name := range []string{"tight open files"} {
		if verdicts[name] == Growing {
			t.Errorf("%s: %s", name, verdicts[name])
		}
	}
	table := SlopeTable(w.Judge(warmup), warmup, span)
	missed := 0
	for _, g := range table.Gates {
		if !g.Pass {
			missed++
		}
	}
	if len(table.Rows) != len(table.Labels) || missed < 3 {
		t.Errorf("%d rows, %d labels, %d gates missed", len(table.Rows), len(table.Labels), missed)
	}
	for _, p := range w.PlotTables() {
		if len(p.Rows) < 20 || len(p.Columns) != len(p.Rows[0]) || len(p.Plot.Y) != len(p.Columns)-1 {
			t.Errorf("%s: %d rows, %d columns, plot of %d", p.Name, len(p.Rows), len(p.Columns), len(p.Plot.Y))
		}
	}
}

func TestASubjectThatEndedIsCounted(t *testing.T) {
	w := NewWatcher(Subject{Name: "none", PID: 1 << 22})
	w.once(t.Context(), true)
	if w.errors != 1 || w.lastErr == nil || w.Last(0) != nil || len(w.Judge(0)) != 0 {
		t.Errorf("%d errors, %v", w.errors, w.lastErr)
	}
}

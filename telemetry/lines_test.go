package telemetry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A pipe that nobody reads keeps nobody waiting; what was kept is read in order once somebody does, and what was not is counted.
func TestNobodyWaitsForWhoDoesNotReadTheLog(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lines := newLines(w, 256<<10) // more than the pipe holds
	logger, err := NewLogger("info", "json", lines)
	if err != nil {
		t.Fatal(err)
	}
	const all = 5000 // some 600 KiB: more than the pipe and the buffer hold
	for i := range all {
		logger.Info("a line", "n", i, "text", strings.Repeat("x", 64)) // a logger that waits never comes to the end
	}
	dropped := lines.Dropped()
	if dropped == 0 || dropped >= all {
		t.Fatalf("%d of %d were dropped", dropped, all)
	}
	if lines.Close(time.Millisecond) {
		t.Error("it says that all was written, and nobody has read it")
	}
	read := make(chan []int)
	go func() {
		var got []int
		for s := bufio.NewScanner(r); s.Scan(); {
			n := -1
			_, tail, _ := strings.Cut(s.Text(), `"n":`)
			if _, err := fmt.Sscanf(tail, "%d,", &n); err != nil || !strings.HasSuffix(s.Text(), "}") {
				n = -1
			}
			got = append(got, n)
		}
		read <- got
	}()
	if !lines.Close(time.Minute) {
		t.Error("it was read, and yet not all was written")
	}
	_ = w.Close()
	got := <-read
	if uint64(len(got))+dropped != all {
		t.Errorf("%d lines came and %d were counted as dropped, of %d", len(got), dropped, all)
	}
	for i, last := 0, -1; i < len(got); last, i = got[i], i+1 {
		if got[i] <= last {
			t.Fatalf("line %d of the log has number %d after %d", i, got[i], last)
		}
	}
}

// gate lets one write through at a time.
type gate struct {
	pass chan error
	got  strings.Builder
}

func (g *gate) Write(p []byte) (int, error) {
	if err := <-g.pass; err != nil {
		return 0, err
	}
	return g.got.Write(p)
}

func TestLinesAreKeptToTheBoundAndWrittenAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{pass: make(chan error, 8)}
		lines := newLines(g, 8)
		write := func(s string) {
			if n, err := io.WriteString(lines, s); n != len(s) || err != nil {
				t.Errorf("%d %v", n, err)
			}
		}
		write("one\n")
		synctest.Wait() // the writer has it
		write("two\n")
		write("3456\n") // does not fit
		write("six\n")
		if n := lines.Dropped(); n != 1 {
			t.Errorf("%d dropped, want 1", n)
		}
		if lines.Close(time.Second) {
			t.Error("nothing could be written")
		}
		write("late\n")
		g.pass <- nil
		g.pass <- nil
		if !lines.Close(time.Second) || g.got.String() != "one\ntwo\nsix\n" || lines.Dropped() != 2 {
			t.Errorf("%q, %d dropped", g.got.String(), lines.Dropped())
		}
	})
}

func TestLinesForAReaderThatHasGoneAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{pass: make(chan error, 2)}
		g.pass <- errors.New("broken pipe")
		lines := newLines(g, 100)
		_, _ = io.WriteString(lines, "one\ntwo\n")
		synctest.Wait()
		g.pass <- nil
		_, _ = io.WriteString(lines, "three\n")
		if !lines.Close(time.Second) || g.got.String() != "three\n" || lines.Dropped() != 2 {
			t.Errorf("%q, %d dropped", g.got.String(), lines.Dropped())
		}
	})
}

package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whoever reads the log may stand still, or go: weir starts, answers, tells its metrics and ends.
func TestNobodyNeedsToReadTheLog(t *testing.T) {
	url := origin(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "from the origin") })
	for name, prepare := range map[string]func(r, w *os.File){
		"the pipe is full": func(_, w *os.File) {
			_ = w.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			if n, err := w.Write(make([]byte, 8<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("the pipe took %d bytes: %v", n, err)
			}
		},
		"the reader has gone": func(r, _ *os.File) { _ = r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			prepare(r, w)
			s := startTo(t, w, url, "--log-level", "debug")
			for path, want := range map[string]string{s.url + "/": "from the origin", s.admin + "/metrics": "\nweir_log_dropped_total "} {
				res, err := http.Get(path)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || !strings.Contains(string(text), want) {
					t.Errorf("%s: %v, without %q", path, err, want)
				}
			}
			if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- s.cmd.Wait() }()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("after SIGTERM: %v", err)
				}
			case <-time.After(time.Minute):
				t.Error("it does not end")
			}
		})
	}
}

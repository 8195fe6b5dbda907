package fleet

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func shell(t *testing.T, script string, ready func(context.Context) error) (*Process, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return Start(ctx, Spec{Name: "shell", Path: "/bin/sh", Args: []string{"-c", script}, Dir: t.TempDir(), Ready: ready})
}

func TestStopEndsAProcessThatObeys(t *testing.T) {
	dir := t.TempDir()
	flag := dir + "/ready"
	p, err := shell(t, `trap 'echo bye; exit 0' TERM; echo hello; : > `+flag+`; while :; do sleep 0.02; done`, func(context.Context) error {
		_, err := os.Stat(flag)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.CPUTime(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(p.Stop(), p.Stop()); err != nil {
		t.Error(err)
	}
	if got := p.Tail(); got != "hello\nbye\n" {
		t.Errorf("log %q", got)
	}
	if _, err := CPUTime(p.PID()); err == nil {
		t.Error("the process is still there")
	}
}

func TestStartSaysWhyAProcessDied(t *testing.T) {
	_, err := shell(t, `echo "no such port" >&2; exit 3`, func(context.Context) error { return errors.New("refused") })
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such port") {
		t.Errorf("%v", err)
	}
}

func TestStartEndsAProcessThatIsNeverReady(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Spec{
		Name: "never", Path: "/bin/sleep", Args: []string{"60"}, Dir: t.TempDir(),
		Ready: func(context.Context) error { return errors.New("refused") },
	})
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

func TestPinnedProcessSeesOneProcessor(t *testing.T) {
	p, err := Start(t.Context(), Spec{Name: "nproc", Path: "/usr/bin/nproc", Dir: t.TempDir(), CPU: 1})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := p.Tail(); got != "1\n" {
		t.Errorf("nproc said %q", got)
	}
}

func TestRedisStartsAndStops(t *testing.T) {
	p, address, err := StartRedis(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := pongs(address)(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

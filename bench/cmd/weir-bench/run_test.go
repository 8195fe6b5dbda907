package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/weirproxy/weir/bench/internal/result"
)

// asProgram in the environment makes the test binary the program itself.
const asProgram = "WEIR_BENCH_TEST_AS_PROGRAM"

// program is weir-bench as a process of its own.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr *bufio.Reader
	said   strings.Builder
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stdout = &p.stdout
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stderr = bufio.NewReader(pipe)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// until reads the standard error up to a line with the text.
func (p *program) until(text string) {
	p.t.Helper()
	for {
		line, err := p.stderr.ReadString('\n')
		p.said.WriteString(line)
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			p.t.Fatalf("%v before %q; it said:\n%s", err, text, p.said.String())
		}
	}
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the process; a code of -1 is a signal.
func (p *program) end() (code int, stdout, stderr string) {
	p.t.Helper()
	rest, err := io.ReadAll(p.stderr)
	p.said.Write(rest)
	if err != nil {
		p.t.Error(err)
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.said.String()
}

// server answers every query with data until it is dead; warm is closed after some requests.
type server struct {
	*httptest.Server
	warm <-chan struct{}
	dead atomic.Bool
}

func service(t *testing.T) *server {
	t.Helper()
	ready := make(chan struct{})
	s := &server{warm: ready}
	var n atomic.Int64
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.dead.Load() {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Cache-Status", "weir; hit")
		_, _ = io.WriteString(w, `{"data":{"city":null}}`) // the client may have gone
		if n.Add(1) == 50 {
			close(ready)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// die ends the server like a process that is killed.
func (s *server) die() {
	s.dead.Store(true) // for a connection that is accepted at this moment
	s.Listener.Close()
	s.CloseClientConnections()
}

func TestExitCodes(t *testing.T) {
	s := service(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("operations: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{s.URL, "--slo", "p99=30s,errors=0,hits=99%", "--threshold", "rate=1"}, 0, "✓ hits=99%", "built-in workload"},
		{[]string{s.URL, "--threshold", "hits=10%,max=1us"}, 1, "✗ max=1us", ""},
		{[]string{s.URL, "--out", "/dev/full"}, 1, "requests   200 in", "no space left on device"},
		{[]string{s.URL + "/missing", "--out", "/proc/result.json"}, 2, "", "nothing was sent"},
		{[]string{s.URL, "--slo", "p99=5"}, 2, "", "no duration above 0 with its unit"},
		{[]string{s.URL, "--slo", "Nobody:p99=5ms"}, 2, "", "it has City, "},
		{[]string{s.URL, "-w", broken}, 2, "", broken + ":1:"},
		{[]string{s.URL, "-w", broken, "--mutations", "0.1"}, 2, "", "--mutations is of the built-in workload"},
		{[]string{s.URL, "--find-max"}, 2, "", "--find-max makes steps"},
		{[]string{s.URL, "--rate", "5", "--arrivals", "constant:5"}, 2, "", "leave --rate"},
		{[]string{s.URL, "--arrivals", "sometimes:5"}, 2, "", "sometimes"},
		{[]string{s.URL, "--connections", "-1"}, 2, "", "must be 1"},
		{[]string{s.URL, "--no-such-flag"}, 2, "", "unknown flag"},
		{[]string{"ftp://x"}, 2, "", "write http://HOST:PORT"},
		{[]string{gone.URL}, 3, "", "accepts no connection"},
		{[]string{gone.URL, "--wait", "60ms"}, 3, "", "waited for it: tcp " + strings.TrimPrefix(gone.URL, "http://") + " accepts no connection: connect: connection refused; is the server running"},
		{[]string{s.URL, "--wait", "1h"}, 0, "requests   200 in", ""},
		{[]string{s.URL, "--wait", "-1s"}, 2, "", "not negative"},
	} {
		p := start(t, append([]string{"run", "--requests", "200"}, c.args...)...)
		code, stdout, stderr := p.end()
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%v: exit code %d, want %d\n%s\n%s", c.args, code, c.code, stdout, stderr)
		}
		if code > 1 && stdout != "" {
			t.Errorf("%v printed a result:\n%s", c.args, stdout)
		}
	}
	wrong := httptest.NewServer(http.NotFoundHandler())
	defer wrong.Close()
	const first = "first failure (status) is of "
	if code, stdout, stderr := start(t, "run", wrong.URL, "--requests", "50").end(); code != 1 || !strings.Contains(stderr, first) || strings.Contains(stdout, first) {
		t.Errorf("a wrong path: %d\n%s\n%s", code, stdout, stderr)
	}
	if code, stdout, stderr := start(t, "run", wrong.URL, "--requests", "50", "-q").end(); code != 1 || !strings.Contains(stdout, first) || stderr != "" {
		t.Errorf("a wrong path, quiet: %d\n%s\n%s", code, stdout, stderr)
	}
	if code, _, stderr := start(t, "run").end(); code != 2 || !strings.Contains(stderr, "at least 1 URL") {
		t.Errorf("without a URL: %d %s", code, stderr)
	}
}

// TestAServerThatIsAboutToStart: the run begins when it accepts connections; Ctrl-C ends the wait.
func TestAServerThatIsAboutToStart(t *testing.T) {
	s := service(t)
	socket := filepath.Join(t.TempDir(), "later.sock")
	p := start(t, "run", "unix:"+socket, "--wait", "1m", "--requests", "20")
	p.until("waiting for unix " + socket + " to accept connections, 1m0s at most")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	later := &httptest.Server{Listener: l, Config: s.Config}
	later.Start()
	defer later.Close()
	if code, stdout, stderr := p.end(); code != 0 || !strings.Contains(stdout, "requests   20 in") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
	p = start(t, "run", "unix:"+socket+".no", "--wait", "1h")
	p.until("waiting for")
	p.signal(os.Interrupt)
	if code, stdout, stderr := p.end(); code != 3 || stdout != "" || !strings.Contains(stderr, "no such file") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
}

func TestCtrlCLeavesAPartialResult(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		server := service(t)
		path := filepath.Join(t.TempDir(), "result.json")
		p := start(t, "run", server.URL, "--duration", "10m", "--out", path)
		<-server.warm
		p.signal(s)
		code, stdout, stderr := p.end()
		if code != 1 || !strings.Contains(stdout, "PARTIAL RESULT: interrupted after") || !strings.Contains(stdout, "p99.9") {
			t.Errorf("%v: %d\n%s\n%s", s, code, stdout, stderr)
		}
		f, err := result.Read(path)
		const some = 25 // of 50 that have come to the server, less those that were under way
		if err != nil || f.Partial == "" || f.Run.Total.Requests < some || f.Command[1] != "run" {
			t.Errorf("%v: %v %+v", s, err, f)
		}
	}
}

func TestSecondCtrlCKills(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(asked) })
		<-release
	}))
	defer s.Close()
	defer close(release)
	p := start(t, "run", s.URL, "--timeout", "10m", "--duration", "10m")
	<-asked
	p.signal(os.Interrupt)
	p.until("ending in order")
	p.signal(os.Interrupt)
	if code, stdout, stderr := p.end(); code != -1 {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
}

func TestTargetThatDiesInTheMiddle(t *testing.T) {
	s := service(t)
	p := start(t, "run", s.URL, "--duration", "10m", "--give-up", "1s")
	<-s.warm
	s.die()
	p.until("nothing was answered in the last second")
	code, stdout, stderr := p.end()
	if code != 3 || !strings.Contains(stdout, "PARTIAL RESULT: "+s.URL) || !strings.Contains(stdout, "target-died") || !strings.Contains(stderr, "stopped answering") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
}

func TestFindMaxThroughTheProgram(t *testing.T) {
	s := service(t)
	args := []string{"run", s.URL, "--find-max", "--rate", "40", "--slo", "p50=1us,errors=0", "--step-duration", "200ms", "--warmup", "10ms", "--json", "-q"}
	code, stdout, stderr := start(t, args...).end() // nothing answers within a microsecond: down to 1/s, and no rate holds
	f, err := readResult(t, stdout)
	if code != 1 || err != nil || f.Run.HighestRate != 0 || len(f.Run.Search) < 5 || f.Run.Search[0].Rate != 40 {
		t.Errorf("%d %v\n%s\n%s", code, err, stdout, stderr)
	}
}

func readResult(t *testing.T, text string) (*result.File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdout.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("stdout: %w", err)
	}
	return result.Read(path)
}

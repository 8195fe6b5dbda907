package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const fleetToken = "fleet-test-token"

// fleet is a weir-control process: agents must work with the server as it is shipped.
type fleet struct {
	t    *testing.T
	path string
	addr string
	data string
	cmd  *exec.Cmd
}

func newFleet(t *testing.T, path string) *fleet {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, path: path, addr: addr, data: t.TempDir()}
	t.Cleanup(func() { f.end(syscall.SIGTERM) })
	return f
}

func (f *fleet) command(args ...string) *exec.Cmd {
	cmd := exec.Command(f.path, args...)
	cmd.Env = append(os.Environ(), "WEIR_CONTROL_TOKEN="+fleetToken, "WEIR_CONTROL_URL=http://"+f.addr, "WEIR_SIDECAR_TOKEN=")
	return cmd
}

// begin starts the process and waits until it answers.
func (f *fleet) begin() {
	f.t.Helper()
	f.cmd = f.command("serve", "--listen", f.addr, "--data", f.data)
	if err := f.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	waitFor(f.t, func() bool { return f.command("get", "sidecars").Run() == nil })
}

func (f *fleet) end(signal os.Signal) {
	if f.cmd == nil {
		return
	}
	if err := f.cmd.Process.Signal(signal); err != nil {
		f.t.Error(err)
	}
	var exit *exec.ExitError
	if err := f.cmd.Wait(); err != nil && (!errors.As(err, &exit) || signal == syscall.SIGTERM) {
		f.t.Errorf("weir-control ended with %v", err)
	}
	f.cmd = nil
}

// run runs a command of the client and returns what it printed.
func (f *fleet) run(input string, args ...string) string {
	f.t.Helper()
	cmd := f.command(args...)
	cmd.Stdin = strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		f.t.Fatalf("%v: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

// dependOnServer looks at the server's sources, so that `go test` does not take a result from its cache when they changed: this package does not import them.
func dependOnServer(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFleet(t *testing.T) {
	dependOnServer(t)
	path := filepath.Join(t.TempDir(), "weir-control")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/weir-control").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("an agent follows the shipped server", func(t *testing.T) { testOneAgent(t, path) })
	t.Run("fifty agents follow and outlive a restart", func(t *testing.T) { testFiftyAgents(t, path) })
}

func testOneAgent(t *testing.T, path string) {
	f := newFleet(t, path)
	dir := t.TempDir()
	r := start(t, Config{URL: "http://" + f.addr, Token: fleetToken, StateDir: dir})
	f.begin() // after the agent
	f.run("a: 1\n", "apply", "-f", "-")
	r.apply(1, "a: 1\n", SourceStream)
	f.run("", "apply", "-f", writeFile(t, "a: 2\n"), "--service", "geo", "--wait", "20s")
	r.apply(2, "a: 2\n", SourceStream)

	refused := f.command("apply", "-f", writeFile(t, "bad: 3\n"), "--service", "geo", "--wait", "20s")
	out, err := refused.CombinedOutput()
	if err == nil || refused.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "bad is no good") {
		t.Errorf("a refused version: %v, %s", err, out)
	}
	if s := r.Status(); s.Version != 2 || s.NackVersion != 3 {
		t.Errorf("status %+v", s)
	}
	id, _, _ := strings.Cut(f.run("", "command", "serve_stale", "--ttl", "10m", "--operation", "Cities"), " ")
	if c := r.obeys(id)[0]; c.Operation != "Cities" {
		t.Errorf("command %+v", c)
	}
	// A crash of the server changes nothing here, and it comes back with all it had.
	f.end(syscall.SIGKILL)
	waitFor(t, func() bool { return !r.Status().Connected })
	if s := r.Status(); s.Version != 2 || s.Commands != 1 {
		t.Errorf("status %+v", s)
	}
	f.begin()
	waitFor(t, func() bool { return r.Status().Connected })
	f.run("", "command", "revoke", id)
	r.obeys()
	f.run("a: 4\n", "apply", "-f", "-", "--service", "geo")
	r.apply(4, "a: 4\n", SourceStream)
	if table := f.run("", "get", "sidecars"); !strings.Contains(table, "geo-1") {
		t.Errorf("sidecars:\n%s", table)
	}
	f.end(syscall.SIGTERM)
	r.stop()
	again := start(t, Config{URL: "http://" + f.addr, Token: fleetToken, StateDir: dir})
	again.apply(4, "a: 4\n", SourceDisk)
}

func testFiftyAgents(t *testing.T, path string) {
	f := newFleet(t, path)
	f.begin()
	const agents = 50
	rigs := make([]*rig, agents)
	for i := range rigs {
		rigs[i] = start(t, Config{
			URL: "http://" + f.addr, Token: fleetToken, StateDir: t.TempDir(), Identity: Identity{Service: "geo", Instance: fmt.Sprintf("geo-%d", i)},
			Apply: func(context.Context, Snapshot) error { return nil },
		})
	}
	for v := range 3 {
		f.run(fmt.Sprintf("a: %d\n", v), "apply", "-f", "-")
	}
	f.run("", "command", "bypass_cache", "--ttl", "10m")
	for _, r := range rigs {
		waitFor(t, func() bool { s := r.Status(); return s.Version == 3 && s.Commands == 1 })
	}
	f.end(syscall.SIGTERM)
	f.begin()
	f.run("a: new\n", "apply", "-f", "-")
	for _, r := range rigs {
		waitFor(t, func() bool { return r.Status().Version == 4 })
	}
	for _, r := range rigs {
		r.stop()
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

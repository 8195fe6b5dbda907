package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirproxy/weir/controlplane/api"
)

const testToken = "command-line-token"

// bench is the built binary with a server of it running.
type bench struct {
	t    *testing.T
	path string
	url  string
}

// TestMain builds the binary that all tests run.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "weir-control-test-")
	if err != nil {
		panic(err)
	}
	if out, err := exec.Command("go", "build", "-ldflags", "-X main.version=v9", "-o", binary(dir), ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	if err := os.Setenv(envBinary, binary(dir)); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

const envBinary = "WEIR_TEST_CONTROL"

func binary(dir string) string { return filepath.Join(dir, "weir-control") }

// serving starts a server; arguments beyond the address and the folder are the caller's.
func serving(t *testing.T, args ...string) *bench {
	t.Helper()
	b := &bench{t: t, path: os.Getenv(envBinary)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	b.url = "http://" + addr
	var log bytes.Buffer
	cmd := b.command(append([]string{"serve", "--listen", addr, "--data", filepath.Join(t.TempDir(), "data")}, args...)...)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve ended with %v: %s", err, log.String())
		}
		if strings.Contains(log.String(), testToken) {
			t.Error("the log holds the token")
		}
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for {
		if _, _, code := b.run("", "get", "sidecars"); code == 0 {
			return b
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("serve does not answer")
		}
	}
}

func (b *bench) command(args ...string) *exec.Cmd {
	cmd := exec.Command(b.path, args...)
	cmd.Env = append(os.Environ(), envToken+"="+testToken, envURL+"="+b.url, envSidecarToken+"=")
	return cmd
}

func (b *bench) run(input string, args ...string) (stdout, stderr string, code int) {
	b.t.Helper()
	cmd := b.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (b *bench) good(input string, args ...string) string {
	b.t.Helper()
	out, errs, code := b.run(input, args...)
	if code != 0 {
		b.t.Fatalf("%v: exit %d: %s", args, code, errs)
	}
	return out
}

func (b *bench) bad(code int, text string, args ...string) {
	b.t.Helper()
	if out, errs, got := b.run("", args...); got != code || !strings.Contains(errs, text) || out != "" {
		b.t.Errorf("%v: exit %d, stdout %q, stderr %q; want exit %d and %q", args, got, out, errs, code, text)
	}
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestApplyAndGet(t *testing.T) {
	b := serving(t)
	policy := file(t, "policy.yaml", "# ours\na: 1\n")
	if out := b.good("", "apply", "-f", policy, "--dry-run"); !strings.Contains(out, "version 1 would be stored for all services") {
		t.Errorf("dry run: %s", out)
	}
	if out := b.good("", "apply", "-f", policy, "--reason", "first", "--wait", "10s"); !strings.Contains(out, "version 1 stored for all services") {
		t.Errorf("apply: %s", out)
	}
	if out := b.good("a: 2\n", "apply", "-f", "-", "--service", "geo", "--if-version", "0", "-o", "json"); !strings.Contains(out, `"version": 2`) {
		t.Errorf("apply: %s", out)
	}
	if out := b.good("", "get", "config"); out != "# ours\na: 1\n" {
		t.Errorf("config: %q", out)
	}
	var doc api.Document
	if err := json.Unmarshal([]byte(b.good("", "get", "config", "--service", "geo", "-o", "json")), &doc); err != nil || doc.Version != 2 || doc.Config != "a: 2\n" {
		t.Errorf("config: %+v, %v", doc, err)
	}
	if out := b.good("", "get", "versions"); strings.Count(out, "\n") != 3 || !strings.Contains(out, "first") {
		t.Errorf("versions:\n%s", out)
	}
	if out := b.good("", "get", "audit"); !strings.Contains(out, "config.apply") {
		t.Errorf("audit:\n%s", out)
	}
	b.bad(1, "config.conflict", "apply", "-f", policy, "--if-version", "7")
	b.bad(1, "2:4", "apply", "-f", file(t, "bad.yaml", "a: 1\nb: [1\n"))
	b.bad(1, "no such file", "apply", "-f", "/no/such/file")
	b.bad(1, "config.none", "get", "config", "--version", "9")
	b.bad(1, "access.token", "get", "sidecars", "--token", "not-the-token")
	b.bad(1, "cannot be reached", "get", "sidecars", "--server", "http://127.0.0.1:1")
	b.bad(2, "-f FILE", "apply")
	b.bad(2, "http://HOST:PORT", "get", "sidecars", "--server", "127.0.0.1:1")
	b.bad(2, "neither text nor json", "get", "sidecars", "-o", "xml")
	b.bad(2, "unknown command", "frobnicate")
	b.bad(2, "unknown flag", "get", "sidecars", "--frobnicate")
}

func TestCommandAndRevoke(t *testing.T) {
	b := serving(t)
	var c api.Command
	out := b.good("", "command", "rate_limit", "--operation", "Cities", "--param", "per_second=5", "--param", "burst=9", "--ttl", "2m", "--observe", "--service", "geo", "--reason", "load", "-o", "json")
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.Params["burst"] != "9" || !c.Observe || c.Service != "geo" || c.Expires.Sub(c.Issued) != 2*time.Minute {
		t.Errorf("%+v, %v", c, err)
	}
	if table := b.good("", "get", "commands"); !strings.Contains(table, c.ID) || !strings.Contains(table, "burst=9 per_second=5") {
		t.Errorf("commands:\n%s", table)
	}
	if out := b.good("", "command", "revoke", c.ID, "--reason", "over"); !strings.Contains(out, c.ID+" rate_limit revoked") {
		t.Errorf("revoke: %s", out)
	}
	if table := b.good("", "get", "commands"); strings.Contains(table, c.ID) {
		t.Errorf("commands:\n%s", table)
	}
	b.bad(1, "command.none", "command", "revoke", c.ID)
	b.bad(2, "command.kind", "command", "teleport")
	b.bad(2, "per_second", "command", "rate_limit")
	b.bad(2, "NAME=VALUE", "command", "set_ttl", "--param", "ttl")
	b.bad(2, "given twice", "command", "set_ttl", "--param", "ttl=1s", "--param", "ttl=2s")
	b.bad(2, "command.ttl", "command", "serve_stale", "--ttl", "2h")
	b.bad(2, "accepts 1 arg", "command")
}

func TestServeReadsItsFile(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := file(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	config := file(t, "control.yaml", "listen: 256.256.256.256:1\nlog-format: json\ntoken-file: "+file(t, "token", testToken+"\n")+"\nsigning-key-file: "+key+"\n")
	b := serving(t, "-c", config) // the flag --listen beats the file
	b.good("a: 1", "apply", "-f", "-")
}

func TestServeNamesWhatIsWrong(t *testing.T) {
	b := &bench{t: t, path: os.Getenv(envBinary)}
	data := filepath.Join(t.TempDir(), "data")
	for name, c := range map[string]struct {
		code int
		text string
		args []string
	}{
		"unknown key":    {2, "2:1", []string{"-c", file(t, "c.yaml", "listen: 127.0.0.1:0\nlissen: x\n")}},
		"no file":        {2, "no such file", []string{"-c", "/no/such/file"}},
		"level":          {2, "log-level", []string{"--log-level", "loud"}},
		"format":         {2, "log-format", []string{"--log-format", "xml"}},
		"no certificate": {2, "--tls-cert and --tls-key", []string{"--tls-cert", "x"}},
		"no key":         {2, "not PEM", []string{"--signing-key-file", file(t, "k", "x")}},
		"token file":     {2, "is empty", []string{"--token-file", file(t, "t", "\n")}},
		"short token":    {2, "the least is", []string{"--token", "short"}},
		"argument":       {2, "unknown command", []string{"now"}},
		"address":        {1, "listen", []string{"--listen", "127.0.0.1:99999"}},
	} {
		_, errs, code := b.run("", append([]string{"serve", "--data", data}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.text) {
			t.Errorf("%s: exit %d, %s", name, code, errs)
		}
	}
	cmd := exec.Command(b.path, "serve")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "openssl rand") || cmd.ProcessState.ExitCode() != exitUsage {
		t.Errorf("no token: %v, %s", err, out)
	}
}

func TestRunInProcess(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"version"}, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != 0 || out.String() != "weir-control dev\n" {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
	if code := run(t.Context(), []string{"nothing"}, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != exitUsage {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

// wordy is a flag whose value is described by more than one word.
var wordy = regexp.MustCompile(`(?m)^ +(-\w, )?--[\w-]+ \S+ \S.*`)

func TestHelpAndVersion(t *testing.T) {
	b := &bench{t: t, path: os.Getenv(envBinary)}
	if out := b.good("", "version"); out != "weir-control v9\n" {
		t.Errorf("version: %q", out)
	}
	for _, args := range [][]string{{}, {"serve"}, {"apply"}, {"get"}, {"get", "config"}, {"get", "sidecars"}, {"get", "commands"}, {"get", "versions"}, {"get", "audit"}, {"command"}, {"command", "revoke"}, {"version"}} {
		out := b.good("", append(args, "--help")...)
		if !strings.Contains(out, "Examples:") {
			t.Errorf("%v --help has no examples", args)
		}
		if line := wordy.FindString(out); line != "" { // what a description has in backquotes takes the place of the kind
			t.Errorf("%v --help: the value of a flag is of one kind: %s", args, line)
		}
	}
}

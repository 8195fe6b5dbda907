package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the program as it is shipped, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "weir-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "weir")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

const (
	sdl = `type Query { city(id: ID!): City @cacheControl(maxAge: 60) secret: String }
type Mutation { rename(id: ID!, name: String!): City }
type City { id: ID! name: String @cacheControl(maxAge: 30) }
`
	document = "query City($id: ID!) { city(id: $id) { id name } }\nquery Secret { secret }\n"
)

// folder holds the files that commands read.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"schema.graphql": sdl, "query.graphql": document, "bad.graphql": "{ city {", "wrong.graphql": "{ town }"} {
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type result struct {
	code     int
	out, err string
}

func call(t *testing.T, dir, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

func TestCommandsTellAndExit(t *testing.T) {
	const rule = "upstream: http://127.0.0.1:1\nschema: private.graphql\npolicy:\n  scope:\n    jwt: {algorithms: [RS256], jwks_url: \"https://a/\", issuer: \"https://a\", class: user, claim: sub, tenant_claim: org}\n"
	dir := folder(t, map[string]string{
		"good.yaml": "upstream: http://127.0.0.1:1\nschema: schema.graphql\npolicy:\n  limits:\n    depth: {max: 1}\n",
		"two.yaml":  "upstream: ftp://x\npolicy:\n  max_body: 1MB\n",
		"key.yaml":  "upstream: http://127.0.0.1:1\npolicy:\n  cach: {}\n",

		"private.graphql": "type Person @cacheControl(maxAge: 9, scope: PRIVATE) { name: String }\ntype Town @cacheControl(maxAge: 9) { name: String }\n" +
			"type River @cacheControl(maxAge: 9) { name: String }\ntype Query { person: Person town: Town river: River }\n",
		"shares.yaml": rule + "    types:\n      Person: tenant\n",
		"keeps.yaml":  rule + "    types:\n      Town: tenant\n",
	})
	for name, c := range map[string]struct {
		args     []string
		stdin    string
		code     int
		out, err string // parts
	}{
		"help":             {[]string{}, "", 0, "Exit codes: 0 done", ""},
		"version":          {[]string{"version"}, "", 0, "weir v1.2.3 go", ""},
		"no such command":  {[]string{"serve"}, "", 2, "", `there is no command "serve"`},
		"no such flag":     {[]string{"run", "--upsteam", "x"}, "", 2, "", "unknown flag: --upsteam"},
		"too many words":   {[]string{"check", "weir.yaml"}, "", 2, "", "see: weir --help"},
		"no document":      {[]string{"plan"}, "", 2, "", "accepts 1 arg"},
		"no upstream":      {[]string{"run"}, "", 1, "", "upstream: is missing"},
		"no such file":     {[]string{"check", "-c", "none.yaml"}, "", 1, "", "none.yaml"},
		"good":             {[]string{"check", "-c", "good.yaml"}, "", 0, "upstream: http://127.0.0.1:1", ""},
		"good, quiet":      {[]string{"check", "-q", "-c", "good.yaml"}, "", 0, "", ""},
		"two problems":     {[]string{"check", "-c", "two.yaml"}, "", 1, "", "two.yaml:1:11: upstream: \"ftp://x\" is no address of a service; write http://HOST:PORT"},
		"and the other":    {[]string{"check", "-c", "two.yaml"}, "", 1, "", "two.yaml:3:13: policy.max_body: \"1MB\" is no size"},
		"unknown key":      {[]string{"check", "-c", "key.yaml"}, "", 1, "", "key.yaml:3:3: "},
		"a flag beats":     {[]string{"check", "-c", "two.yaml", "--upstream", "http://a"}, "", 1, "", "two.yaml:3:13"},
		"a flag is blamed": {[]string{"check", "-c", "good.yaml", "--upstream", "nonsense"}, "", 1, "", "--upstream: upstream: \"nonsense\" is no address"},
		"an item of one":   {[]string{"check", "-c", "good.yaml", "--redis", "127.0.0.1:1, b"}, "", 1, "", "--redis: redis[1]: \"b\" is no address"},
		"cache off":        {[]string{"check", "-c", "good.yaml", "--cache", "off"}, "", 0, "cache: \"off\"", ""},
		"schema missing":   {[]string{"check", "-c", "good.yaml", "--schema", "none.graphql"}, "", 1, "", "none.graphql"},

		"plan":                  {[]string{"plan", "-c", "good.yaml", "-o", "Secret", "query.graphql"}, "", 0, "query Secret", ""},
		"plan with limit":       {[]string{"plan", "-c", "good.yaml", "-o", "City", "--variables", `{"id":5}`, "query.graphql"}, "", 1, "depth is 2, the limit is 1", ""},
		"a private type shared": {[]string{"check", "-c", "shares.yaml"}, "", 1, "", "shares.yaml:7:15: policy.scope.types.Person: would share type Person, which is PRIVATE by the schema (private.graphql:1:14); write user, or remove the line"},
		"plan, scope":           {[]string{"plan", "-c", "keeps.yaml", "-"}, "{ town { name } }", 0, "tenant: type Town at town", ""},
		"plan, private scope":   {[]string{"plan", "-c", "keeps.yaml", "-"}, "{ person { name } }", 0, "user: the schema marks it PRIVATE", ""},
		"plan, scope by rule":   {[]string{"plan", "-c", "keeps.yaml", "-"}, "{ town { name } river { name } }", 0, "user with a token of https://a: policy.scope.types is silent on type River at river", ""},
		"plan, no rule":         {[]string{"plan", "--schema", "private.graphql", "-"}, "{ person { name } }", 0, "no rule of policy.scope tells a user", ""},
		"plan, cache":           {[]string{"plan", "--schema", "schema.graphql", "-o", "City", "--variables", `{"id":5}`, "query.graphql"}, "", 0, "30 s", ""},
		"plan, tags":            {[]string{"plan", "--schema", "schema.graphql", "-o", "City", "--variables", `{"id":5}`, "query.graphql"}, "", 0, "Query.city", ""},
		"plan, variables":       {[]string{"plan", "--schema", "schema.graphql", "-o", "City", "--variables", `{"id":[]}`, "query.graphql"}, "", 1, "BAD_USER_INPUT", ""},
		"plan, no JSON":         {[]string{"plan", "--variables", "{", "query.graphql"}, "", 2, "", "--variables is no JSON"},
		"plan, syntax":          {[]string{"plan", "bad.graphql"}, "", 1, "GRAPHQL_PARSE_FAILED", ""},
		"plan, invalid":         {[]string{"plan", "--schema", "schema.graphql", "wrong.graphql"}, "", 1, "GRAPHQL_VALIDATION_FAILED", ""},
		"plan, stdin":           {[]string{"plan", "-"}, "{ secret }", 0, "syntax only", ""},
		"plan, no file":         {[]string{"plan", "none.graphql"}, "", 1, "", "none.graphql"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(t, dir, c.stdin, c.args...)
			if r.code != c.code || !strings.Contains(r.out, c.out) || !strings.Contains(r.err, c.err) {
				t.Errorf("weir %s: exit %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", strings.Join(c.args, " "), r.code, c.code, c.out, r.out, c.err, r.err)
			}
		})
	}
}

func TestPlanAndSchemaAsJSON(t *testing.T) {
	dir := folder(t, map[string]string{})
	var plan struct {
		Operation string
		Valid     bool
		Cache     struct{ MaxAge int }
		Cost      struct{ Points int64 }
		Tags      []string
	}
	r := call(t, dir, "", "plan", "--schema", "schema.graphql", "-o", "City", "--variables", `{"id":5}`, "--json", "query.graphql")
	if err := json.Unmarshal([]byte(r.out), &plan); err != nil || plan.Operation != "City" || !plan.Valid || plan.Cache.MaxAge != 30 || plan.Cost.Points < 1 || len(plan.Tags) == 0 {
		t.Errorf("%v %+v", err, plan)
	}
	var schema map[string]any
	if r := call(t, dir, "", "check", "--schema-of-config"); json.Unmarshal([]byte(r.out), &schema) != nil || schema["properties"] == nil {
		t.Errorf("exit %d: %s", r.code, r.out)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	for _, c := range append(root().Commands(), root()) {
		if c.Example == "" && c.Name() != "help" && c.Name() != "completion" {
			t.Errorf("weir %s has no example", c.Name())
		}
	}
}

// sidecar is a running weir.
type sidecar struct {
	cmd        *exec.Cmd
	log        *bytes.Buffer
	url, admin string
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs weir and waits for /readyz.
func start(t *testing.T, upstream string, more ...string) *sidecar {
	t.Helper()
	log := new(bytes.Buffer)
	s := startTo(t, log, upstream, more...)
	s.log = log
	return s
}

// startTo is start with another place for the log.
func startTo(t *testing.T, log io.Writer, upstream string, more ...string) *sidecar {
	t.Helper()
	listen, admin := free(t), free(t)
	s := &sidecar{url: "http://" + listen, admin: "http://" + admin}
	s.cmd = exec.Command(binary, append([]string{"run", "--listen", listen, "--admin", admin, "--upstream", upstream, "--service", "cli"}, more...)...)
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for tries := 0; tries < 1000; tries++ {
		if res, err := http.Get(s.admin + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s
			}
		}
		<-poll.C
	}
	t.Fatalf("weir is not ready:\n%v", log)
	return nil
}

func origin(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	o := httptest.NewServer(handle)
	t.Cleanup(o.Close)
	return o.URL
}

func TestRunRelaysWithoutItsNeighboursAndDrainsOnSIGTERM(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	url := origin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-finish
		}
		_, _ = io.WriteString(w, "from the origin")
	})
	nobody := free(t) // Redis, Kafka and the control plane are absent
	s := start(t, url, "--redis", nobody, "--kafka", nobody, "--control", "http://"+nobody, "--token", "t", "--state", t.TempDir())

	answer := make(chan string, 1)
	go func() {
		res, err := http.Get(s.url + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		answer <- fmt.Sprint(string(text), err)
	}()
	<-begun
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	refused := time.NewTicker(10 * time.Millisecond)
	defer refused.Stop()
	for tries := 0; ; tries++ { // new connections are refused while the old one is still served
		if c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err != nil {
			break
		} else if c.Close(); tries > 500 {
			t.Fatal("a draining sidecar accepts connections")
		}
		<-refused.C
	}
	close(finish)
	if got := <-answer; got != "from the origin<nil>" {
		t.Errorf("the request that had begun: %s", got)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, s.log)
	}
}

// SIGHUP reads the policy again; it never ends the process.
func TestSIGHUPReadsThePolicyAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "weir.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("policy: {expose: false}\n")
	s := start(t, origin(t, func(http.ResponseWriter, *http.Request) {}), "-c", file)
	// Signals that come faster than they are obeyed fall together: one after the other, each is.
	hup := func(text, path, want string) {
		t.Helper()
		write(text)
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		poll := time.NewTicker(10 * time.Millisecond)
		defer poll.Stop()
		for range 1000 {
			res, err := http.Get(s.admin + path)
			if err != nil {
				t.Fatalf("%v\n%s", err, s.log)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err == nil && strings.Contains(string(body), want) {
				return
			}
			<-poll.C
		}
		t.Fatalf("%s has no %q", path, want)
	}
	hup("policy: {expose: true}\n", "/config", "expose: true")
	hup("policy: {exposed: true}\n", "/metrics", "\nweir_config_refused_total 1\n")
	hup("policy: {max_body: 3MiB}\nlisten: 127.0.0.1:1\n", "/config", "max_body: 3MiB")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"the policy of the file is in force", file + ":1:10"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, s.log)
		}
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	url := origin(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-finish
		}
	})
	defer close(finish)
	s := start(t, url)
	go func() {
		if res, err := http.Get(s.url + "/slow"); err == nil {
			res.Body.Close()
		}
	}()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for signals := 0; ; {
		select {
		case err := <-ended:
			if err == nil || signals < 2 {
				t.Errorf("after %d signals: %v", signals, err)
			}
			return
		case <-again.C:
			if signals++; signals > 100 {
				t.Fatal("signals are ignored while draining")
			}
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
}

func TestAnAddressThatIsTakenIsTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := call(t, t.TempDir(), "", "run", "--listen", l.Addr().String(), "--admin", free(t), "--upstream", "http://127.0.0.1:1")
	if r.code != 1 || !strings.Contains(r.err, l.Addr().String()) || !strings.Contains(r.err, "choose another address") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

package bench

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/origin"
)

// settled is longer than the hold-off after an invalidation and after the log began.
const settled = 2500 * time.Millisecond

// typed is how long a person takes to type a command: what is written to Redis behind an answer is there by then.
const typed = 200 * time.Millisecond

// varying are the parts of an output that differ from run to run.
var varying = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`ttl=\d+`), "ttl=N"},
	{regexp.MustCompile(`^Age: \d+`), "Age: N"},
	{regexp.MustCompile(`\d+-\d+ \S+Z$`), "POSITION"},
	{regexp.MustCompile(` \d+$`), " N"},
	{regexp.MustCompile(`max-age=\d+`), "max-age=N"},
}

func usual(line string) string {
	line = strings.Join(strings.Fields(line), " ")
	for _, v := range varying {
		line = v.what.ReplaceAllString(line, v.by)
	}
	return line
}

// words splits a command of the page as a shell would; within quotes everything stands for itself.
var words = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)

// docsSay plays the commands of docs/caching.md with the shipped programs: each line that the page shows must be there.
func docsSay(t *testing.T, programs fleet.Binaries) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "caching.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	o, err := origin.New("127.0.0.1:0")
	if err == nil {
		err = o.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Stop() })
	dir := t.TempDir()
	redis, address, err := fleet.StartRedis(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Stop() })
	page = strings.NewReplacer("http://127.0.0.1:4600", o.URL(), "127.0.0.1:4690", address).Replace(page)
	_, yaml, _ := strings.Cut(page, "```yaml\n")
	yaml, _, _ = strings.Cut(yaml, "```")
	query, err := regexp.Compile("The query is `(.*)`")
	if err != nil {
		t.Fatal(err)
	}
	asked := query.FindStringSubmatch(page)[1]
	for name, text := range map[string]string{
		"caching.yaml": strings.Replace(yaml, "schema.graphql", filepath.Join(dir, "schema.graphql"), 1), "schema.graphql": origin.Schema(),
		"city.graphql": "query City { city(id: 1796236) { id name population } }",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ports := map[string]string{}
	for name, port := range map[string]string{"a": "4610", "b": "4620"} {
		s, err := fleet.StartSidecar(t.Context(), fleet.SidecarConfig{
			Binary: programs.Weir, Name: name, Dir: dir, Upstream: o.URL(), Args: []string{"-c", filepath.Join(dir, "caching.yaml")},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Stop() })
		ports[port] = s.Listen
		page = strings.ReplaceAll(page, "127.0.0.1:"+port[:3]+"1", s.Admin)
	}
	played := 0
	for _, block := range regexp.MustCompile("(?s)\n```\n(\\$ .*?)```").FindAllStringSubmatch(page, -1) {
		<-time.After(settled)
		var out []string
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			if command, is := strings.CutPrefix(line, "$ "); is {
				<-time.After(typed)
				out = perform(t.Context(), t, dir, programs, ports, strings.ReplaceAll(command, `"$Q"`, "'"+asked+"'"))
				played++
				continue
			}
			found := false
			for i, have := range out {
				if usual(have) == usual(line) {
					out, found = out[i+1:], true
					break
				}
			}
			if !found {
				t.Errorf("the page shows %q; what is left of the output is %q", usual(line), out)
			}
		}
	}
	t.Logf("%d commands of docs/caching.md do what it shows", played)
	if played < 12 {
		t.Errorf("%d commands were found", played)
	}
}

// perform runs one command of the page and returns the lines of its output.
func perform(ctx context.Context, t *testing.T, dir string, programs fleet.Binaries, ports map[string]string, command string) []string {
	t.Helper()
	args := words.FindAllString(command, -1)
	for i := range args {
		args[i] = strings.Trim(args[i], `'"`)
	}
	if args[0] != "ask" {
		c := exec.CommandContext(ctx, programs.Weir, args[1:]...)
		c.Dir = dir
		out, _ := c.CombinedOutput() // refusals are shown, too
		return strings.Split(string(out), "\n")
	}
	a := asked{method: http.MethodPost, path: "/graphql", body: args[2]}
	for i := 4; i < len(args); i += 2 {
		name, value, _ := strings.Cut(args[i], ": ")
		a.lines = append(a.lines, name, value)
	}
	a.host = ports[args[1]]
	if _, _, err := net.SplitHostPort(a.host); err != nil {
		t.Fatalf("%s: no sidecar", command)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := a.answer(ctx, client, "http://"+a.host)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range []string{"Cache-Control", "Surrogate-Key", "Age", "Cache-Status"} {
		for _, v := range r.header.Values(name) {
			out = append(out, name+": "+v)
		}
	}
	return append(out, r.body)
}

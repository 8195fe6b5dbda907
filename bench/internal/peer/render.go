package peer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
)

// Data is what templates of a target file see.
type Data struct {
	Name         string // of the target
	Listen       string // HOST:PORT, or the path of a Unix socket
	Host, Port   string // parts of it; empty for a Unix socket
	Upstream     string // HOST:PORT
	UpstreamHost string
	UpstreamPort string
	Admin        string // HOST:PORT
	Kafka, Redis string // HOST:PORT
	Schema       string // path of an SDL file
	Dir          string // folder of its own
	NPM          string // folder of npm packages
	Size         int    // of the answer
	Root         bool   // it is started by the superuser
}

// sample has a value for everything: what renders with it renders.
var sample = Data{
	Name: "name", Listen: "127.0.0.1:4000", Host: "127.0.0.1", Port: "4000", Upstream: "127.0.0.1:4001", UpstreamHost: "127.0.0.1", UpstreamPort: "4001",
	Admin: "127.0.0.1:4002", Kafka: "127.0.0.1:9092", Redis: "127.0.0.1:6379", Schema: "/tmp/peer/city.graphql", Dir: "/tmp/peer", NPM: "/tmp/npm",
	Size: defaultSize, Root: true,
}

// Rendered is a target with its templates filled in.
type Rendered struct {
	Files map[string]string
	Args  []string
	Env   []string
	Ready string
}

// Render fills in the templates.
func (t *Target) Render(d Data) (*Rendered, error) {
	r := &Rendered{Files: map[string]string{}}
	var err error
	fill := func(where, text string) string {
		if err != nil {
			return ""
		}
		var out string
		out, err = expand(text, d)
		if err != nil {
			err = fmt.Errorf("%s:1:1: %s: %w", t.file, where, err)
		}
		return out
	}
	for _, name := range sortedKeys(t.Files) {
		r.Files[name] = fill("files: "+name, t.Files[name])
	}
	for i, a := range t.Args {
		r.Args = append(r.Args, fill(fmt.Sprintf("args[%d]", i), a))
	}
	for i, e := range t.Env {
		r.Env = append(r.Env, fill(fmt.Sprintf("env[%d]", i), e))
	}
	r.Ready = fill("ready", t.Ready)
	return r, err
}

func expand(text string, d Data) (string, error) {
	tmpl, err := template.New("").Parse(text)
	if err != nil {
		return "", cure(err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, d); err != nil {
		return "", cure(err)
	}
	return b.String(), nil
}

func cure(err error) error {
	return fmt.Errorf("%s; a template knows .Name .Listen .Host .Port .Upstream .UpstreamHost .UpstreamPort .Admin .Kafka .Redis .Schema .Dir .NPM .Size .Root",
		strings.TrimPrefix(err.Error(), "template: "))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

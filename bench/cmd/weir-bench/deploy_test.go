package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

const deployFolder = "../../../deploy/weir-bench"

// manifest is what the tests look at in a Job.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		CompletionMode           string `yaml:"completionMode"`
		Completions, Parallelism int
		BackoffLimit             *int `yaml:"backoffLimit"`
		Template                 struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []struct {
					Name, Image   string
					Command, Args []string
					Env           []struct{ Name, Value string }
				}
			}
		}
	}
}

func manifests(t *testing.T) map[string]*manifest {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(deployFolder, "*.yaml"))
	if err != nil || len(paths) < 4 {
		t.Fatal(err, paths)
	}
	all := map[string]*manifest{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := new(manifest)
		d := yaml.NewDecoder(bytes.NewReader(raw))
		if err := d.Decode(m); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := d.Decode(new(manifest)); !errors.Is(err, io.EOF) {
			t.Fatalf("%s: more than one document: %v", path, err)
		}
		all[filepath.Base(path)] = m
	}
	return all
}

func TestTheJobIsOneLoad(t *testing.T) {
	job := manifests(t)["job.yaml"]
	c := job.Spec.Template.Spec.Containers[0]
	machines := ""
	for _, e := range c.Env {
		if e.Name == "MACHINES" {
			machines = e.Value
		}
	}
	if job.Kind != "Job" || job.Spec.CompletionMode != "Indexed" || job.Spec.Completions != job.Spec.Parallelism || machines != strconv.Itoa(job.Spec.Parallelism) {
		t.Errorf("%+v, MACHINES is %q", job.Spec, machines)
	}
	if job.Spec.BackoffLimit == nil || *job.Spec.BackoffLimit != 0 || job.Spec.Template.Spec.RestartPolicy != "Never" {
		t.Error("a pod that failed would start again and run alone")
	}
	for name, m := range manifests(t) {
		for _, other := range m.Spec.Template.Spec.Containers {
			if other.Name != c.Name || other.Image != "" && other.Image != c.Image {
				t.Errorf("%s: container %s of image %s, in job.yaml it is %s of %s", name, other.Name, other.Image, c.Name, c.Image)
			}
		}
	}
}

var flagWord = regexp.MustCompile(`(?:^|[\s"])(--[a-z][a-z-]+)`)

// TestFlagsOfTheManifestsExist checks every flag of weir-bench in manifests and README against the program.
func TestFlagsOfTheManifestsExist(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(deployFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{"README.md": string(readme)}
	for name, m := range manifests(t) {
		for _, c := range m.Spec.Template.Spec.Containers {
			scripts[name] += strings.Join(c.Args, "\n") + "\n"
		}
	}
	checked := map[string]int{}
	for name, script := range scripts {
		command := (*cobra.Command)(nil)
		for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
			if strings.Contains(line, "set -- ") {
				command = commandNamed(t, "run") // what the Job collects for it
			} else if _, rest, ok := strings.Cut(strings.TrimSpace(line), "weir-bench "); ok && strings.HasPrefix(strings.TrimSpace(line), "weir-bench ") {
				command = commandNamed(t, strings.Fields(rest)[0])
			} else {
				continue
			}
			for _, match := range flagWord.FindAllStringSubmatch(line, -1) {
				if command.Flags().Lookup(strings.TrimPrefix(match[1], "--")) == nil {
					t.Errorf("%s: weir-bench %s has no %s: %s", name, command.Name(), match[1], line)
				}
				checked[name]++
			}
		}
	}
	if checked["job.yaml"] < 8 || checked["README.md"] < 4 || checked["results-report.yaml"] < 1 {
		t.Errorf("flags that were looked at: %v", checked)
	}
}

func commandNamed(t *testing.T, name string) *cobra.Command {
	t.Helper()
	cmd, _, err := newRoot().Find([]string{name})
	if err != nil || cmd.Name() != name {
		t.Fatalf("weir-bench %s: %v", name, err)
	}
	return cmd
}

// pod runs the Job's script as pod 2 of 4, with a weir-bench that prints its arguments and ends with code.
func pod(t *testing.T, code int, env ...string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	recorder := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$@\"\nexit %d\n", code)
	if err := os.WriteFile(filepath.Join(folder, "weir-bench"), []byte(recorder), 0o700); err != nil {
		t.Fatal(err)
	}
	c := manifests(t)["job.yaml"].Spec.Template.Spec.Containers[0]
	cmd := exec.CommandContext(t.Context(), c.Command[0], append(c.Command[1:], c.Args...)...)
	cmd.Env = append(append(cmd.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "MACHINES=4", "JOB_COMPLETION_INDEX=2", "TARGET=http://shop:8080/graphql", "RATE=1000", "DURATION=60s"), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func startIn(in time.Duration) string {
	return "START=" + strconv.FormatInt(time.Now().Add(in).Unix(), 10)
}

func TestEachPodSendsItsShare(t *testing.T) {
	out, err := pod(t, 0, startIn(time.Second), "THRESHOLD=p99=20ms,errors=0.1%", "RESULTS=/results")
	if err != nil {
		t.Fatal(err, out)
	}
	args := strings.Split(strings.TrimSpace(out), "\n")
	if args[0] != "run" || args[1] != "http://shop:8080/graphql" {
		t.Fatal(args)
	}
	cmd := commandNamed(t, "run")
	if err := cmd.ParseFlags(args[2:]); err != nil {
		t.Fatal(err, args)
	}
	for name, want := range map[string]string{"arrivals": "poisson:250", "seed": "3", "out": "/results/2.json", "threshold": `["p99=20ms,errors=0.1%"]`, "connections": "64", "json": "true", "duration": "1m0s"} {
		if got := cmd.Flags().Lookup(name).Value.String(); got != want {
			t.Errorf("--%s is %s, want %s", name, got, want)
		}
	}
}

func TestAPodFailsOnlyWhenItSentNoLoad(t *testing.T) {
	if out, err := pod(t, 1, startIn(0)); err != nil {
		t.Errorf("a missed threshold: %v\n%s", err, out)
	}
	for _, code := range []int{2, 3} {
		var exit *exec.ExitError
		if _, err := pod(t, code, startIn(0)); !errors.As(err, &exit) || exit.ExitCode() != code {
			t.Errorf("exit code %d: %v", code, err)
		}
	}
	if out, err := pod(t, 0, startIn(-time.Minute)); err == nil || !strings.Contains(out, "START has passed") {
		t.Errorf("%v %s", err, out)
	}
}

package peer

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/weirproxy/weir/bench/targets"
)

var update = flag.Bool("update", false, "write the golden files")

// Each built-in file renders to what its golden file has.
func TestBuiltInTargets(t *testing.T) {
	list, err := Load(targets.Files)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Errorf("%d targets", len(list))
	}
	for _, target := range list {
		t.Run(target.Name, func(t *testing.T) {
			d := sample
			d.Name = target.Name
			d.Size = target.Size
			if target.Unix() {
				d.Listen, d.Host, d.Port = "/tmp/peer/socket", "", ""
			}
			r, err := target.Render(d)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s (%s): %s\n%s\n", target.Title, target.Role, target.About, target.Binary)
			for _, a := range r.Args {
				fmt.Fprintf(&b, "  %s\n", a)
			}
			for _, e := range r.Env {
				fmt.Fprintf(&b, "env %s\n", e)
			}
			if r.Ready != "" {
				fmt.Fprintf(&b, "ready %s\n", r.Ready)
			}
			for _, name := range sortedKeys(r.Files) {
				fmt.Fprintf(&b, "--- %s\n%s", name, r.Files[name])
			}
			golden(t, target.Name, b.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it):\n%s", file, got)
	}
}

func TestMistakesAreToldAtTheirPlace(t *testing.T) {
	const right = "title: x\nrole: hit\nbinary: x\nargs: [x]\n"
	for _, c := range []struct{ file, want string }{
		{"", "x.yaml:1:1: the file is empty"},
		{"title: x\nrol: hit\n", "x.yaml:2:1: "},
		{"title: [", "x.yaml:1:"},
		{"title: x\nrole: cache\nbinary: x\nargs: [x]\n", `x.yaml:2:7: role: "cache" is no role; it is one of [const hit pass miss floor]`},
		{"role: hit\nbinary: x\nargs: [x]\n", "x.yaml:1:1: title: is missing"},
		{"title: x\nrole: hit\nargs: [x]\n", "binary: is missing"},
		{"title: x\nrole: hit\nbinary: x\n", "args: is missing"},
		{right + "listen: udp\n", `x.yaml:5:9: listen: "udp" is no network`},
		{right + "size: 3\n", "x.yaml:5:7: size: 3 bytes"},
		{right + "peer: true\n", "install: is missing"},
		{right + "idle_broker: true\n", "x.yaml:5:14: idle_broker: is about the broker"},
		{right + "dirs: [../up]\n", `"../up" is no path below`},
		{right + "files: { /etc/x: y }\n", `"/etc/x" is no path below`},
		{"title: x\nrole: hit\nbinary: x\nargs: ['{{.Lisen}}']\n", "args[0]"},
		{right + "env: ['A={{.Listen']\n", "env[0]"},
		{right + "ready: '{{.Nothing}}'\n", "a template knows .Name .Listen"},
	} {
		_, err := Parse("dir/x.yaml", []byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, it should have %q", c.file, err, c.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "dir/x.yaml:") {
			t.Errorf("%q: %v, it should begin with the place", c.file, err)
		}
	}
}

func TestLaterFolderReplaces(t *testing.T) {
	file := func(title string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("title: " + title + "\nrole: hit\nbinary: x\nargs: [x]\n")}
	}
	list, err := Load(fstest.MapFS{"a.yaml": file("one"), "b.yaml": file("two")}, fstest.MapFS{"b.yaml": file("mine")})
	if err != nil || len(list) != 2 || list[0].Title != "one" || list[1].Title != "mine" {
		t.Errorf("%v %v", list, err)
	}
	if _, err := Load(fstest.MapFS{}); err == nil {
		t.Error("an empty folder was taken")
	}
	if _, err := Load(fstest.MapFS{"c.yaml": &fstest.MapFile{}, "d.yaml": &fstest.MapFile{Data: []byte("x: 1\n")}}); err == nil ||
		!strings.Contains(err.Error(), "c.yaml:1:1") || !strings.Contains(err.Error(), "d.yaml:1:1") {
		t.Errorf("%v: both files should be named", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("title: x\nrole: hit\nbinary: x\nargs: ['{{.Listen}}']\nfiles: { a: '{{if .Root}}b{{end}}' }\n"))
	f.Add([]byte("title: {a: [}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		target, err := Parse("x.yaml", raw)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.yaml:") {
				t.Errorf("%v has no place", err)
			}
			return
		}
		if _, err := target.Render(sample); err != nil {
			t.Errorf("what was taken does not render: %v", err)
		}
	})
}

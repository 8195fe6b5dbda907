package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/weirproxy/weir/"

// pkg is what the rules need of one package of `go list -json`.
type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// room is the top-level folder, with the two parts of the control plane that have rules of their own kept apart.
func (p *pkg) room() string { return roomOf(p.ImportPath) }

func roomOf(importPath string) string {
	rel, ours := strings.CutPrefix(importPath, module)
	if !ours {
		return ""
	}
	for _, part := range []string{"controlplane/api", "controlplane/agent", "telemetry/event"} {
		if rel == part || strings.HasPrefix(rel, part+"/") {
			return part
		}
	}
	room, _, _ := strings.Cut(rel, "/")
	return room
}

func packages(t *testing.T) []*pkg {
	t.Helper()
	// Without the profile: a binary that is built with one lists its packages under names of their own.
	cmd := exec.Command("go", "list", "-pgo=off", "-json", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var list []*pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(pkg)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// mayImport lists, for each room, the rooms it may use beside itself.
func mayImport(room string) []string {
	faces := []string{"planner", "cache", "telemetry", "telemetry/event", "controlplane/agent"}
	switch room {
	case "proxy":
		return faces
	case "controlplane":
		return []string{"telemetry/event", "controlplane/api"}
	case "controlplane/agent":
		return []string{"controlplane/api"}
	case "telemetry":
		return []string{"telemetry/event"}
	case "bench", "deploy":
		return append(faces, "proxy", "controlplane", "controlplane/api")
	}
	return nil // leaves
}

// homes lists where a third-party package may be imported; bench may use any of them.
func homes(importPath string) (rooms []string, ruled bool) {
	for prefix, rooms := range map[string][]string{
		"github.com/valyala/fasthttp":             {"proxy"},
		"github.com/coder/websocket":              {"proxy"},
		"github.com/vektah/gqlparser/v2":          {"planner"},
		"github.com/dgraph-io/ristretto":          {"cache"},
		"github.com/redis/rueidis":                {"cache"},
		"github.com/twmb/franz-go":                {"telemetry", "controlplane"},
		"github.com/prometheus/client_golang":     {"telemetry"},
		"go.etcd.io/etcd":                         {"controlplane"},
		"go.uber.org/zap":                         {"telemetry"},
		"github.com/prometheus/common/expfmt":     {"telemetry"},
		"github.com/HdrHistogram/hdrhistogram-go": {},
	} {
		if importPath == prefix || strings.HasPrefix(importPath, prefix+"/") {
			return rooms, true
		}
	}
	return nil, false
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func TestImportsFollowTheRule(t *testing.T) {
	for _, p := range packages(t) {
		room := p.room()
		if room == "" {
			t.Errorf("%s lies outside the rooms", p.ImportPath)
			continue
		}
		imports := append(append(append([]string{}, p.Imports...), p.TestImports...), p.XTestImports...)
		for _, imported := range imports {
			if target := roomOf(imported); target != "" && target != room && !contains(mayImport(room), target) {
				t.Errorf("%s imports %s: %s may use %v", p.ImportPath, imported, room, mayImport(room))
			}
		}
		for _, imported := range p.Imports { // tests may compare with the packages we stand on
			rooms, ruled := homes(imported)
			if !ruled || room == "bench" || contains(rooms, room) {
				continue
			}
			if p.Name == "main" && strings.HasPrefix(imported, "go.uber.org/zap") {
				continue
			}
			t.Errorf("%s imports %s, whose home is %v", p.ImportPath, imported, rooms)
		}
	}
}

func TestRoomOf(t *testing.T) {
	for path, want := range map[string]string{
		module + "proxy/internal/wire":       "proxy",
		module + "controlplane":              "controlplane",
		module + "controlplane/api/weirv1":   "controlplane/api",
		module + "controlplane/agent":        "controlplane/agent",
		module + "controlplane/internal/api": "controlplane",
		module + "telemetry/event":           "telemetry/event",
		"github.com/valyala/fasthttp":        "",
	} {
		if got := roomOf(path); got != want {
			t.Errorf("roomOf(%q) = %q, want %q", path, got, want)
		}
	}
}

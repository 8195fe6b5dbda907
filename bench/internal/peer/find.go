package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Programs says where to look.
type Programs struct {
	Weir, Bench string // paths
	NPM         string // folder of npm packages
}

// Found is a program that is installed.
type Found struct{ Path, Version string }

const (
	versionTime  = 10 * time.Second
	redis        = "redis-server"
	redisInstall = "apt-get install redis-server"
)

// Find looks for a target's program. What is missing comes back with the line that installs it; err is for what is there and broken.
func (p Programs) Find(ctx context.Context, t *Target) (*Found, *result.Missing, error) {
	missing := func(format string, args ...any) (*Found, *result.Missing, error) {
		return nil, &result.Missing{Name: t.Name, Install: t.Install, Why: fmt.Sprintf(format, args...)}, nil
	}
	f := &Found{}
	switch t.Binary {
	case "weir":
		f.Path = p.Weir
	case "weir-bench":
		f.Path = p.Bench
	default:
		path, err := look(t.Binary)
		if err != nil {
			return missing("%s is not in PATH", t.Binary)
		}
		f.Path = path
	}
	if t.Redis {
		if _, err := look(redis); err != nil {
			return nil, &result.Missing{Name: t.Name, Install: redisInstall, Why: redis + " is not in PATH"}, nil //nolint:nilerr // it is named as missing
		}
	}
	if len(t.Needs) > 0 && !anyFile(t.Needs) {
		return missing("%s is there, but no file matches %s", t.Binary, t.Needs[0])
	}
	if t.NPM != "" {
		version, err := npmVersion(p.NPM, t.NPM)
		if err != nil {
			return missing("the npm package %s is not in %s", t.NPM, p.NPM)
		}
		f.Version = version
		return f, nil, nil
	}
	if len(t.Version) == 0 {
		return f, nil, nil
	}
	version, err := askVersion(ctx, f.Path, t.Version)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	f.Version = version
	return f, nil, nil
}

// look finds a program in PATH and, for servers that a user without administration has not in PATH, in the folders of such programs.
func look(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, other := exec.LookPath(filepath.Join(dir, name)); other == nil {
			return path, nil
		}
	}
	return "", err
}

func anyFile(patterns []string) bool {
	for _, pattern := range patterns {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// askVersion runs the program; servers print their version to either stream, and some end with an error after it.
func askVersion(ctx context.Context, path string, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if v := versionNumber.Find(out); v != nil {
		return string(v), nil
	}
	if err == nil {
		err = errors.New("no version number in what it printed")
	}
	return "", fmt.Errorf("%s %v: %w", path, args, err)
}

func npmVersion(dir, name string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "node_modules", filepath.FromSlash(name), "package.json"))
	if err != nil {
		return "", err
	}
	var p struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return "", fmt.Errorf("package.json of %s: %w", name, err)
	}
	return p.Version, nil
}

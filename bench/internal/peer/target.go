package peer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Role is what a server does with a request.
type Role string

// Roles.
const (
	Constant Role = "const" // answers by itself
	Hit      Role = "hit"   // answers from its cache
	Pass     Role = "pass"  // asks the upstream each time
	Miss     Role = "miss"  // asks the upstream each time and keeps the answer
	Floor    Role = "floor" // copies bytes
)

var roles = []Role{Constant, Hit, Pass, Miss, Floor}

const (
	overTCP     = "tcp"
	overUnix    = "unix"
	defaultSize = 1 << 10
	maxSize     = 64 << 20
)

// Target is one file. Its name is the file's. Values marked T are templates over Data.
type Target struct {
	Name   string `yaml:"-"`
	Source []byte `yaml:"-"` // the file
	file   string

	Title   string `yaml:"title"`   // for a table
	Role    Role   `yaml:"role"`    //
	About   string `yaml:"about"`   // what it is, a sentence
	Peer    bool   `yaml:"peer"`    // somebody else's server
	Install string `yaml:"install"` // the line that installs it
	Notes   string `yaml:"notes"`   // what a reader of its figures should know

	Binary  string   `yaml:"binary"`  // program: weir and weir-bench stand beside this one, others are looked for in PATH
	Version []string `yaml:"version"` // arguments that make it print its version
	Needs   []string `yaml:"needs"`   // patterns of files; one of them must match one
	NPM     string   `yaml:"npm"`     // package that must be installed in the folder of npm packages

	Listen     string            `yaml:"listen"`      // tcp (the default) or unix
	Size       int               `yaml:"size"`        // of the answer in bytes; 1024 by default
	Admin      bool              `yaml:"admin"`       // needs a port for administration, {{.Admin}}
	Kafka      bool              `yaml:"kafka"`       // needs a broker, {{.Kafka}}
	IdleBroker bool              `yaml:"idle_broker"` // that one runs at idle priority: for load at a rate that leaves it time
	Redis      bool              `yaml:"redis"`       // needs Redis, {{.Redis}}
	Dirs       []string          `yaml:"dirs"`        // folders to make in {{.Dir}}
	Files      map[string]string `yaml:"files"`       // to write into {{.Dir}}, T
	Args       []string          `yaml:"args"`        // T
	Env        []string          `yaml:"env"`         // NAME=VALUE, T
	Ready      string            `yaml:"ready"`       // URL that answers 200 when it is ready, T; without one it is when it listens
}

// Unix reports whether clients connect to a Unix socket.
func (t *Target) Unix() bool { return t.Listen == overUnix }

// Load reads all *.yaml files of the folders, in order of their names. A file of a later folder replaces one of the same name.
func Load(folders ...fs.FS) ([]*Target, error) {
	byName := map[string]*Target{}
	var errs []error
	for _, folder := range folders {
		names, err := fs.Glob(folder, "*.yaml")
		if err != nil {
			return nil, fmt.Errorf("targets: %w", err)
		}
		if len(names) == 0 {
			return nil, errors.New("targets: the folder holds no *.yaml file; weir-bench compare --list names the built-in ones, `--targets DIR` wants a folder of them")
		}
		for _, name := range names {
			raw, err := fs.ReadFile(folder, name)
			if err != nil {
				errs = append(errs, fmt.Errorf("targets: %w", err))
				continue
			}
			t, err := Parse(name, raw)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			byName[t.Name] = t
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var out []*Target
	for _, t := range byName {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *Target) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Parse reads one file; file is its name, for messages and for the target's name.
func Parse(file string, raw []byte) (*Target, error) {
	t := new(Target)
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, fmt.Errorf("%s:1:1: the file is empty; it needs at least title, role, binary and args", file)
	}
	if err := decode(raw, t); err != nil {
		return nil, located(file, err)
	}
	// Only now: the reader may set the whole value to zero.
	t.Name, t.Source, t.file = strings.TrimSuffix(path.Base(file), ".yaml"), raw, file
	t.Listen, t.Size = cmp.Or(t.Listen, overTCP), cmp.Or(t.Size, defaultSize)
	if err := t.validate(raw); err != nil {
		return nil, err
	}
	return t, nil
}

// decode reads YAML strictly. The reader panics on some broken input (a tag before a scalar where a list should be).
func decode(raw []byte, t *Target) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("this is no YAML that can be read; write plain keys, lists and text, without tags")
		}
	}()
	return yaml.UnmarshalWithOptions(raw, t, yaml.Strict())
}

// located puts FILE:LINE:COL before what the YAML reader says.
func located(file string, err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s:1:1: %w", file, err)
	}
	p := at.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s; `weir-bench compare --show nginx-cache` prints one that is right", file, p.Line, p.Column, at.GetMessage())
}

func (t *Target) validate(raw []byte) error {
	var errs []error
	wrong := func(key, format string, args ...any) {
		line, column := position(raw, key)
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s: %s", t.file, line, column, key, fmt.Sprintf(format, args...)))
	}
	if t.Title == "" {
		wrong("title", "is missing; name the server as a table should")
	}
	if !slices.Contains(roles, t.Role) {
		wrong("role", "%q is no role; it is one of %v", t.Role, roles)
	}
	if t.Binary == "" {
		wrong("binary", "is missing; name the program")
	}
	if len(t.Args) == 0 {
		wrong("args", "is missing; the server must at least be told where to listen, {{.Listen}}")
	}
	if t.Listen != overTCP && t.Listen != overUnix {
		wrong("listen", "%q is no network; it is tcp or unix", t.Listen)
	}
	if t.Size < 64 || t.Size > maxSize {
		wrong("size", "%d bytes; an answer has 64 to %d", t.Size, maxSize)
	}
	if t.IdleBroker && !t.Kafka {
		wrong("idle_broker", "is about the broker, and kafka is not true")
	}
	if t.Peer && t.Install == "" {
		wrong("install", "is missing; whoever lacks the program must be told how to get it")
	}
	for _, name := range append(sortedKeys(t.Files), t.Dirs...) {
		if !fs.ValidPath(name) || name == "." {
			wrong("files", "%q is no path below {{.Dir}}", name)
		}
	}
	if _, err := t.Render(sample); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// position of a top-level key; the first line when it is absent.
func position(raw []byte, key string) (line, column int) {
	n := 0
	for l := range bytes.Lines(raw) {
		n++
		if bytes.HasPrefix(l, []byte(key+":")) {
			return n, len(key) + 3
		}
	}
	return 1, 1
}

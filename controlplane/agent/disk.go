package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// Names of the files in the state folder.
const (
	configFile    = "config.lkg"
	configOldFile = "config.lkg.old" // the generation before
	commandsFile  = "commands.lkg"
)

// disk keeps the last-known-good state. With an empty dir it keeps nothing.
type disk struct {
	dir string
	log *slog.Logger
}

// open makes the folder when it is missing.
func (d *disk) open() error {
	if d.dir == "" {
		return nil
	}
	return os.MkdirAll(d.dir, 0o700)
}

// snapshots returns the kept configurations, newest first. What cannot be read is named in the log and left out.
func (d *disk) snapshots() []*weirv1.StoredSnapshot {
	var out []*weirv1.StoredSnapshot
	for _, name := range []string{configFile, configOldFile} {
		s := new(weirv1.StoredSnapshot)
		if d.load(name, s) && s.Snapshot != nil {
			out = append(out, s)
		}
	}
	return out
}

// commands returns the kept commands, nil when there are none.
func (d *disk) commands() *weirv1.StoredCommands {
	s := new(weirv1.StoredCommands)
	if !d.load(commandsFile, s) {
		return nil
	}
	return s
}

func (d *disk) load(name string, into proto.Message) bool {
	if d.dir == "" {
		return false
	}
	path := filepath.Join(d.dir, name)
	payload, err := readFrame(path)
	if err == nil {
		if perr := proto.Unmarshal(payload, into); perr != nil {
			err = fmt.Errorf("%w: %w", errDamaged, perr)
		}
	}
	switch {
	case err == nil:
		return true
	case !errors.Is(err, fs.ErrNotExist):
		d.log.Warn("last-known-good state ignored", "file", path, "error", err)
	}
	return false
}

func (d *disk) saveSnapshot(s *weirv1.StoredSnapshot) error {
	return d.save(configFile, configOldFile, s)
}

func (d *disk) saveCommands(s *weirv1.StoredCommands) error {
	return d.save(commandsFile, "", s)
}

func (d *disk) save(name, keep string, m proto.Message) error {
	if d.dir == "" {
		return nil
	}
	payload, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	if keep != "" {
		keep = filepath.Join(d.dir, keep)
	}
	if err := writeFrame(filepath.Join(d.dir, name), keep, payload); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

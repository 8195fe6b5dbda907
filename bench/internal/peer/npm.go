package peer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// npmFiles are written beside node_modules.
var npmFiles = []string{"package.json", "package-lock.json", "apollo.mjs", "hive.mjs"}

// NPMFolder is where npm packages of the servers are kept: outside of any checkout, in the user's cache folder.
func NPMFolder() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for npm packages: %w", err)
	}
	return filepath.Join(dir, "weir-bench", "npm"), nil
}

// WriteNPM writes the files of the npm folder of source that servers are started with. It installs nothing.
func WriteNPM(dir string, source fs.FS) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range npmFiles {
		raw, err := fs.ReadFile(source, "npm/"+name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// InstallNPM installs exactly what the lock names into dir, without running any package's scripts; what npm says goes to out.
func InstallNPM(ctx context.Context, dir string, source fs.FS, out io.Writer) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("npm is not in PATH; install it, for instance: apt-get install nodejs npm: %w", err)
	}
	if err := WriteNPM(dir, source); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm ci in %s: %w", dir, err)
	}
	return nil
}
